import type { UnsupportedRule } from '@weir/api';

/** Fields of a HelmRepository that ask for what doesn't exist yet. */
export const UNSUPPORTED: readonly UnsupportedRule[] = [
  { path: 'spec.provider', allowed: ['generic'] },
];
