// The schema of a status condition: metav1.Condition of Kubernetes, bounds and patterns included.
import type { Static } from 'typebox';
import { choice, int64, list, object, optional, text, time } from './schema.ts';

/** A qualified name: an optional DNS prefix, then a name. */
const CONDITION_TYPE =
  '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$';
const CONDITION_REASON = '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$';

/** The longest message that the API server accepts, in characters. */
export const MAX_MESSAGE = 32768;

export const conditionSchema = object(
  {
    lastTransitionTime: time('When the condition last changed.'),
    message: text('What happened, for people.', { maxLength: MAX_MESSAGE }),
    observedGeneration: optional(
      int64(
        'The metadata.generation that the condition was set for. Smaller than it: out of date.',
        {
          minimum: 0,
        },
      ),
    ),
    reason: text('Why the condition has its status, in one CamelCase word for programs.', {
      pattern: CONDITION_REASON,
      minLength: 1,
      maxLength: 1024,
    }),
    status: choice(['True', 'False', 'Unknown'], 'Whether the condition holds.'),
    type: text('What the condition is about, such as `Ready`.', {
      pattern: CONDITION_TYPE,
      maxLength: 316,
    }),
  },
  'One aspect of the state of this object.',
);

export type Condition = Static<typeof conditionSchema>;

export const conditionsSchema = list(
  conditionSchema,
  'The state of this object, one entry an aspect.',
);

export const lastHandledReconcileAt = text(
  'The value of the annotation reconcile.fluxcd.io/requestedAt that was last acted on. It differs from the annotation while a requested reconciliation is under way.',
);

export const observedGeneration = int64(
  'The metadata.generation that was last reconciled. -1 until the first reconciliation.',
);

/** The status of an object before its first reconciliation. */
export const NEVER_OBSERVED = { observedGeneration: -1 };
