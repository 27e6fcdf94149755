import type { GitRepository, UnsupportedRule } from '@weir/api';
import { refuseUnsupported } from '@weir/reconcile';

/** Fields of a GitRepository that ask for what doesn't exist yet. */
const FIELDS: readonly UnsupportedRule[] = [
  { path: 'spec.provider', allowed: ['generic', 'github'] },
  'spec.serviceAccountName',
];

/** Throws a stalled Failure that names what the spec asks for and what doesn't exist yet. */
export function refuseUnsupportedFields(object: GitRepository): void {
  refuseUnsupported(object, FIELDS);
}
