import { type GitRepository, Reason, type UnsupportedRule } from '@weir/api';
import { Failure, refuseUnsupported } from '@weir/reconcile';

/** Fields of a GitRepository that ask for what doesn't exist yet. */
const FIELDS: readonly UnsupportedRule[] = [
  'spec.verify',
  'spec.include',
  'spec.recurseSubmodules',
  'spec.sparseCheckout',
  'spec.proxySecretRef',
  { path: 'spec.provider', allowed: ['generic'] },
  'spec.serviceAccountName',
];

/** Throws a stalled Failure that names what the spec asks for and what doesn't exist yet. */
export function refuseUnsupportedFields(object: GitRepository): void {
  refuseUnsupported(object, FIELDS);
  if (!object.spec.url.startsWith('ssh://')) return;
  const message = 'spec.url: ssh:// is not supported yet, use an https:// URL';
  throw new Failure(Reason.UnsupportedField, message, { stalled: true });
}
