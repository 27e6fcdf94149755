import type { UnsupportedRule } from '@weir/api';

/** Fields of an OCIRepository that ask for what doesn't exist yet. */
export const UNSUPPORTED: readonly UnsupportedRule[] = [
  { path: 'spec.provider', allowed: ['generic'] },
];
