import { type OCIRepository, Reason, type UnsupportedRule } from '@weir/api';
import { Failure, refuseUnsupported } from '@weir/reconcile';

/** Fields of an OCIRepository that ask for what doesn't exist yet. */
const FIELDS: readonly UnsupportedRule[] = [{ path: 'spec.provider', allowed: ['generic'] }];

/** Throws a stalled Failure that names what the spec asks for and what doesn't exist yet. */
export function refuseUnsupportedFields(object: OCIRepository): void {
  refuseUnsupported(object, FIELDS);
  const { verify } = object.spec;
  if (verify === undefined || verify.provider === 'notation') return;
  if (verify.secretRef !== undefined || verify.trustedRootSecretRef !== undefined) return;
  const field = verify.matchOIDCIdentity === undefined ? '' : '.matchOIDCIdentity';
  const message = `spec.verify${field} without trustedRootSecretRef is not supported yet: name a Secret with a trusted root, or with public keys in secretRef`;
  throw new Failure(Reason.UnsupportedField, message, { stalled: true });
}
