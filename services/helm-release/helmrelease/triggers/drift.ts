// A change or deletion of a release's object by somebody else starts a run of its HelmRelease.
import type { HelmRelease } from '@weir/api';
import type { Drift } from '@weir/apply';
import * as shared from '@weir/reconcile';
import { CONTROLLER, GROUP } from '../names.ts';
import { isWorkload } from '../release/deleted-workloads.ts';
import type { TriggerOptions } from './options.ts';

/** Returns a function that ends the subscription. */
export function onDrift({ env, controller, log }: TriggerOptions): () => void {
  function concerns({ spec }: HelmRelease, { owner, what, id }: Drift): boolean {
    if (spec.suspend) return false;
    if ((spec.driftDetection?.mode ?? 'disabled') !== 'disabled') return true;
    if (!env.settings.reportDeletedWorkloads || what !== 'gone' || !isWorkload(id)) return false;
    env.deletedWorkloads.add(owner, id);
    return true;
  }
  return shared.onDrift<HelmRelease>({
    drift: env.clusters,
    find: env.releases.get,
    concerns,
    // Hooks and tests are not started again because of an object that is corrected a moment later.
    interrupt: false,
    owner: { group: GROUP, fieldManager: CONTROLLER, kind: 'HelmRelease' },
    ...{ controller, recorder: env.recorder, log },
  });
}
