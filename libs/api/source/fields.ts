// Fields that kinds of sources have in common.
import type { TProperties } from 'typebox';
import {
  conditionsSchema,
  lastHandledReconcileAt,
  NEVER_OBSERVED,
  observedGeneration,
} from '../schema/condition.ts';
import { localReference, object, optional, text } from '../schema/schema.ts';
import { artifactSchema } from './artifact.ts';

/** Of the spec. */
export const ignore = optional(
  text(
    'What to leave out of the artifact, in the syntax of .gitignore. Replaces the default list; rules of .sourceignore files still apply.',
  ),
);

/** Of the spec. */
export const certSecretRef = optional(
  localReference(
    'The Secret with `ca.crt` for a private authority, and `tls.crt` with `tls.key` for a client certificate.',
    'Secret',
  ),
);

/** Of the spec. */
export const proxySecretRef = optional(
  localReference(
    'The Secret that names an HTTP(S) proxy: `address`, and `username` with `password` if it wants them.',
    'Secret',
  ),
);

/** Of the status. */
export const observedIgnore = optional(
  text('The spec.ignore that the current artifact was made with.'),
);

/** Of the status. */
export const sourceVerificationFingerprint = optional(
  text(
    'Fingerprint of what the current artifact was verified against. Where it differs, the signature is verified again.',
  ),
);

/**
 * The status of a source: what all of them have, and the fields of a kind.
 * @param artifact what the artifact is
 */
export function sourceStatus<Fields extends TProperties>(
  artifact: string,
  fields: Fields,
  description = 'What was fetched last, and how that went.',
) {
  return object(
    {
      conditions: optional(conditionsSchema),
      artifact: optional(artifactSchema(artifact)),
      observedGeneration: optional(observedGeneration),
      lastHandledReconcileAt: optional(lastHandledReconcileAt),
      ...fields,
    },
    description,
    { default: NEVER_OBSERVED },
  );
}

/** Of the status of kinds that have it. @param what what is there */
export function newestUrl(what: string) {
  return optional(text(`Address of the newest ${what}.`));
}
