// The field with the user's own rules for when an object of a kind is healthy.
import { object, optional, text } from './schema/schema.ts';

export const healthCheckExpr = object(
  {
    apiVersion: text('API version of the objects.'),
    kind: optional(text('Kind of the objects.')),
    current: text('CEL expression that is true when the object is as it should be.'),
    inProgress: optional(text('CEL expression that is true while the object is on its way there.')),
    failed: optional(text('CEL expression that is true when the object will not get there.')),
  },
  'How to tell the health of one kind.',
);
