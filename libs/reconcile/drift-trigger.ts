// A change of an applied object by somebody else starts a run of the object that applied it.
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

/** The cause of a run that corrects drift. */
export const DRIFT = 'drift';

export interface DriftTrigger<T extends KubeObject> {
  drift: Pick<DriftWatch, 'onDrift'>;
  /** The object `<namespace>/<name>` that applied the changed object. */
  find(key: string): T | undefined;
  /** Whether a run of the object would correct the drift. */
  concerns(object: T, drift: Drift): boolean;
  /** Whether a run that is under way is ended because of it. */
  interrupt: boolean;
  /** The kind that applies, with its group and field manager. */
  owner: Pick<Owner, 'group' | 'fieldManager'> & { kind: string };
  controller: Pick<Controller, 'enqueue'>;
  recorder: Pick<Recorder, 'event'>;
  log: Logger;
}

/**
 * Returns a function that ends the subscription. Drift that repeats is corrected less and less often, and an event
 * reports it.
 */
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
    // A run may wait for the health of the very object that was deleted, so it is interrupted to correct that. Drift
    // that repeats doesn't interrupt it, because the run would never end.
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
