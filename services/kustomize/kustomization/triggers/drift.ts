// An object that somebody changed wakes the Kustomization that applied it.
import { findCondition, type Kustomization, READY, Reason } from '@weir/api';
import { createDriftBackoff, type Drift, formatDrift, ownerKeyOf } from '@weir/apply';
import { CONTROLLER, DRIFT, GROUP } from '../environment.ts';
import type { TriggerOptions } from './options.ts';

/** Returns the way to end that. */
export function onDrift({ env, controller, log }: TriggerOptions): () => void {
  const { kustomizations, recorder } = env;
  const repairOf = createDriftBackoff();
  return env.cluster.drift.onDrift((drift) => {
    const object = kustomizations.get(drift.owner);
    if (object === undefined || object.spec.suspend) return;
    // A run would fail again before it could put anything right; the next try compares everything.
    if (appliesNothing(object) && !controller.isRunning(drift.owner)) return;
    const { delayMs, isRepeated } = repairOf(drift);
    log.info({ owner: drift.owner, drift: formatDrift(drift), delayMs }, 'drift');
    if (isRepeated) {
      const message = `${formatDrift(drift)} again and again, correcting it less often. ${rivals(drift)}`;
      recorder.event(object, { severity: 'error', reason: 'DriftRepeated', message });
    }
    // A run may wait for the health of just what was deleted, and is interrupted to put it back; but not by a drift that
    // comes again and again, which would keep it from its end.
    controller.enqueue(drift.owner, { cause: DRIFT, delayMs, interrupt: delayMs === 0 });
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

/** Who else writes the object: another Kustomization, or other field managers. */
function rivals({ object, owner }: Pick<Drift, 'object' | 'owner'>): string {
  const holder = ownerKeyOf(object, GROUP);
  if (holder !== undefined && holder !== owner) {
    return `Kustomization/${holder} applies the same object: leave it to one of them.`;
  }
  const managers = (object.metadata.managedFields ?? []).flatMap(({ manager, subresource }) =>
    manager === undefined || manager === CONTROLLER || subresource !== undefined ? [] : manager,
  );
  const names = [...new Set(managers)].sort().join(', ');
  return names === '' ? 'No other field manager is known.' : `Other field managers: ${names}.`;
}
