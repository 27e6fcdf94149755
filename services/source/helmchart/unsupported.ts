import { type HelmChart, Reason, type UnsupportedRule } from '@weir/api';
import { Failure, refuseUnsupported } from '@weir/reconcile';

/** Fields of a HelmChart that ask for what doesn't exist yet. */
const FIELDS: readonly UnsupportedRule[] = [
  { path: 'spec.verify.provider', allowed: ['cosign'] },
  'spec.verify.matchOIDCIdentity',
];

/** Throws a stalled Failure that names what the spec asks for and what doesn't exist yet. */
export function refuseUnsupportedFields(object: HelmChart): void {
  refuseUnsupported(object, FIELDS);
  const { verify } = object.spec;
  if (verify === undefined || verify.secretRef !== undefined) return;
  const message =
    'spec.verify without secretRef: signatures without keys are not supported yet, name a Secret with public keys';
  throw new Failure(Reason.UnsupportedField, message, { stalled: true });
}
