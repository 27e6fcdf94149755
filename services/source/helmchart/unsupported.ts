import { type HelmChart, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';

/** Throws a stalled Failure for signatures without keys, which can't be verified yet. */
export function refuseUnsupportedFields({ spec }: HelmChart): void {
  const { verify } = spec;
  if (verify === undefined || verify.provider === 'notation') return;
  if (verify.secretRef !== undefined) return;
  const field = verify.matchOIDCIdentity === undefined ? '' : '.matchOIDCIdentity';
  const message = `spec.verify${field} without secretRef is not supported yet: name a Secret with public keys`;
  throw new Failure(Reason.UnsupportedField, message, { stalled: true });
}
