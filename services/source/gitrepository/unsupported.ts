import { type GitRepository, Reason, type UnsupportedRule } from '@weir/api';
import { Failure, refuseUnsupported } from '@weir/reconcile';

/** Fields of a GitRepository that ask for what doesn't exist yet. */
const FIELDS: readonly UnsupportedRule[] = [
  { path: 'spec.provider', allowed: ['generic', 'github'] },
  'spec.serviceAccountName',
];

/** Throws a stalled Failure that names what the spec asks for and what doesn't exist yet. */
export function refuseUnsupportedFields(object: GitRepository): void {
  refuseUnsupported(object, FIELDS);
  const { lfs, url } = object.spec;
  if (!lfs || !url.startsWith('ssh:')) return;
  const message = 'spec.lfs needs a url of http or https: over ssh it is not supported yet';
  throw new Failure(Reason.UnsupportedField, message, { stalled: true });
}
