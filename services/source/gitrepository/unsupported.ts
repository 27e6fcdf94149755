import { type GitRepository, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';

/** Throws a stalled Failure that names the fields of the spec that are not supported. */
export function refuseUnsupportedFields(object: GitRepository): void {
  const { lfs, url } = object.spec;
  if (!lfs || !url.startsWith('ssh:')) return;
  const message = 'spec.lfs needs a url of http or https: over ssh it is not supported yet';
  throw new Failure(Reason.UnsupportedField, message, { stalled: true });
}
