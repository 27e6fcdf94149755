// A change of an applied object by somebody else starts a run of the Kustomization that applied it.
import { findCondition, type Kustomization, READY, Reason } from '@weir/api';
import * as shared from '@weir/reconcile';
import { CONTROLLER, GROUP } from '../environment.ts';
import type { TriggerOptions } from './options.ts';

/** Returns a function that ends the subscription. */
export function onDrift({ env, controller, log }: TriggerOptions): () => void {
  return shared.onDrift<Kustomization>({
    drift: env.clusters,
    find: env.kustomizations.get,
    // Such a run would fail again before it could correct anything; the next one that gets further compares everything.
    concerns: (object, { owner }) =>
      !object.spec.suspend && (!appliesNothing(object) || controller.isRunning(owner)),
    interrupt: true,
    owner: { group: GROUP, fieldManager: CONTROLLER, kind: 'Kustomization' },
    ...{ controller, recorder: env.recorder, log },
  });
}

/** Reasons of runs that failed after their apply. */
const AFTER_APPLY: ReadonlySet<string> = new Set([
  Reason.PruneFailed,
  Reason.HealthCheckFailed,
  Reason.HealthCheckCanceled,
]);

/** Whether the last run failed before its objects were all in place. */
function appliesNothing({ status }: Kustomization): boolean {
  const ready = findCondition(status?.conditions, READY);
  return ready?.status === 'False' && !AFTER_APPLY.has(ready.reason);
}
