import { Reason } from '@weir/api';
import { Failure } from './failure.ts';

const GATE = 'ObjectLevelWorkloadIdentity';

/**
 * Refuses an account for a cloud when the operator has not enabled that, with Flux's message.
 * @param options.field the field that names the account
 * @param options.purpose what the account is used for
 * @param options.condition the kind's condition, besides Ready, that reports it
 * @throws Failure FeatureGateDisabled (stalled)
 */
export function requireObjectIdentity(
  { objectLevel }: { objectLevel: boolean },
  serviceAccountName: string | undefined,
  options: { field?: string; purpose?: string; condition?: string } = {},
): void {
  if (objectLevel || !serviceAccountName) return;
  const { field = 'spec.serviceAccountName', purpose = 'provider authentication' } = options;
  const message = `to use ${field} for ${purpose} please enable the ${GATE} feature gate in the controller`;
  const { condition } = options;
  const own = condition === undefined ? {} : { condition };
  throw new Failure(Reason.FeatureGateDisabled, message, { stalled: true, ...own });
}
