import { type Kustomization, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';

/** Flux's feature gate for identities of accounts that objects name. It can't be enabled here yet. */
const GATE = 'ObjectLevelWorkloadIdentity';

/** Fails with FeatureGateDisabled, until the spec changes, for an account that may not be used. */
export function refuseDecryptionAccount({ spec }: Kustomization): void {
  if (!spec.decryption?.serviceAccountName) return;
  const message = `to use spec.decryption.serviceAccountName for decryption authentication please enable the ${GATE} feature gate in the controller`;
  throw new Failure(Reason.FeatureGateDisabled, message, { stalled: true });
}
