import { Reason } from '@weir/api';
import { Failure } from './failure.ts';

const GATE = 'ObjectLevelWorkloadIdentity';

/**
 * Refuses an account for a cloud where the operator has not turned that on, in Flux's words.
 * @param options.field what names the account
 * @param options.purpose what it is for
 * @param options.condition of the kind, besides Ready, that says so
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
