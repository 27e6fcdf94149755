export { SigstoreError, type SigstoreReason } from './errors.ts';
export { createTrustedRoot, type TrustedRoot, type TrustedRootOptions } from './trusted-root.ts';
