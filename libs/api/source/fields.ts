// Fields that kinds of sources have in common.
import { localReference, optional, text } from '../schema/schema.ts';

/** Of the spec. */
export const ignore = optional(
  text(
    'What to leave out of the artifact, in the syntax of .gitignore. Replaces the default list; rules of .sourceignore files still apply.',
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
