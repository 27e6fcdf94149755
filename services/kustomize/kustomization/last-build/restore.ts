// Going on where an earlier process, or another replica, stopped.
import type { Kustomization } from '@weir/api';
import { objectKey } from '@weir/kube';
import type { Environment } from '../environment.ts';
import { inventoryDigest } from '../apply/inventory.ts';

/** How long the watches of an object's kinds may take to show what is there. Milliseconds. */
const SETTLE_MS = 10_000;

/**
 * Takes up what was kept of the object, if nobody else wrote its status or changed its spec since. What
 * the watches then show to be as it was needs no comparison.
 */
export async function restoreBasis(
  { records, bases, drift }: Environment,
  object: Kustomization,
  signal: AbortSignal,
): Promise<void> {
  const key = objectKey(object);
  if (bases.recall(object) !== undefined && drift.tracks(key)) return;
  const record = await records.load(object);
  if (record === undefined) return;
  const { basis, objects } = record;
  const { uid, generation } = object.metadata;
  if (basis.uid !== uid || basis.generation !== generation) return;
  if (basis.inventory !== inventoryDigest(object.status?.inventory)) return;
  drift.resume(key, objects);
  bases.remember(object, basis, true);
  const { lastAppliedRevision = basis.revision } = object.status ?? {};
  // It was passed on since, or applied by another: what is in the cluster, and the artifact, tell which.
  bases.passOn(object, { ...basis, revision: lastAppliedRevision }, { looked: false });
  await drift.settled(key, AbortSignal.any([signal, AbortSignal.timeout(SETTLE_MS)]));
}
