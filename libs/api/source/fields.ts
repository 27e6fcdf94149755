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

/** A field of the spec. */
export const ignore = optional(
  text(
    'What to leave out of the artifact, in the syntax of .gitignore. Replaces the default list; rules of .sourceignore files still apply.',
  ),
);

/** A field of the spec. */
export const certSecretRef = optional(
  localReference(
    'The Secret with `ca.crt` for a private authority, and `tls.crt` with `tls.key` for a client certificate.',
    'Secret',
  ),
);

/** A field of the spec. */
export const proxySecretRef = optional(
  localReference(
    'The Secret that names an HTTP(S) proxy: `address`, and `username` with `password` if it wants them.',
    'Secret',
  ),
);

/** A field of the status. */
export const observedIgnore = optional(
  text('The spec.ignore that the current artifact was made with.'),
);

/** A field of the status. */
export const sourceVerificationFingerprint = optional(
  text(
    'Fingerprint of what the current artifact was verified against. Where it differs, the signature is verified again.',
  ),
);

/**
 * The status of a source: the fields that all sources have, and those of the kind.
 * @param artifact description of the artifact
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

/**
 * A field of the status.
 * @param what description of what the URL leads to
 */
export function newestUrl(what: string) {
  return optional(text(`Address of the newest ${what}.`));
}
