// An object that somebody changed wakes the one that applied it.
import {
  createDriftBackoff,
  type Drift,
  type DriftWatch,
  formatDrift,
  type Owner,
  ownerKeyOf,
} from '@weir/apply';
import type { Controller } from '@weir/controller';
import type { Recorder } from '@weir/events';
import type { KubeObject } from '@weir/kube';
import type { Logger } from '@weir/telemetry';

/** The cause of a run that puts back what somebody changed. */
export const DRIFT = 'drift';

export interface DriftTrigger<T extends KubeObject> {
  drift: Pick<DriftWatch, 'onDrift'>;
  /** The object `<namespace>/<name>` that applied what drifted. */
  find(key: string): T | undefined;
  /** Whether a run of the object would do something about the drift. */
  concerns(object: T, drift: Drift): boolean;
  /** Whether a run that is under way is ended for it. */
  interrupt: boolean;
  /** The kind that applies, with its group and field manager. */
  owner: Pick<Owner, 'group' | 'fieldManager'> & { kind: string };
  controller: Pick<Controller, 'enqueue'>;
  recorder: Pick<Recorder, 'event'>;
  log: Logger;
}

/** Returns the way to end that. Drift that comes again and again is put back less and less often, and an event says so. */
export function onDrift<T extends KubeObject>(trigger: DriftTrigger<T>): () => void {
  const { drift, find, concerns, interrupt, owner, controller, recorder, log } = trigger;
  const repairOf = createDriftBackoff();
  return drift.onDrift((found) => {
    const object = find(found.owner);
    if (object === undefined || !concerns(object, found)) return;
    const { delayMs, isRepeated } = repairOf(found);
    log.info({ owner: found.owner, drift: formatDrift(found), delayMs }, 'drift');
    if (isRepeated) {
      const message = `${formatDrift(found)} again and again, correcting it less often. ${rivals(found, owner)}`;
      recorder.event(object, { severity: 'error', reason: 'DriftRepeated', message });
    }
    // A run may wait for the health of just what was deleted, and is interrupted to put it back; but not by a drift that
    // comes again and again, which would keep it from its end.
    controller.enqueue(found.owner, {
      cause: DRIFT,
      delayMs,
      interrupt: interrupt && delayMs === 0,
    });
  });
}

/** Who else writes the object: another object of the same kind, or other field managers. */
function rivals(
  { object, owner }: Pick<Drift, 'object' | 'owner'>,
  { group, fieldManager, kind }: DriftTrigger<KubeObject>['owner'],
): string {
  const holder = ownerKeyOf(object, group);
  if (holder !== undefined && holder !== owner) {
    return `${kind}/${holder} applies the same object: leave it to one of them.`;
  }
  const managers = (object.metadata.managedFields ?? []).flatMap(({ manager, subresource }) =>
    manager === undefined || manager === fieldManager || subresource !== undefined ? [] : manager,
  );
  const names = [...new Set(managers)].sort().join(', ');
  return names === '' ? 'No other field manager is known.' : `Other field managers: ${names}.`;
}
