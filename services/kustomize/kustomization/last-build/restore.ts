// Takes up the last build that an earlier process, or another replica, saved.
import type { Kustomization } from '@weir/api';
import { objectKey } from '@weir/kube';
import { inventoryDigest } from '../apply/inventory.ts';
import type { ClusterRun } from '../run.ts';

/** Causes of the first run of an object in this process. */
const FIRST_CAUSES = ['added', 'gained'];
/** How long the watches of an object's kinds may take to show what is there. Milliseconds. */
const SETTLE_MS = 10_000;

/**
 * In the first run of an object in this process: takes up the saved build, if nobody else has written the object's
 * status or changed its spec since. Objects that the watches then show unchanged need no comparison.
 */
export async function restoreBuild({ env, object, cluster, ctx }: ClusterRun): Promise<void> {
  if (!FIRST_CAUSES.some((cause) => ctx.causes.has(cause))) return;
  const key = objectKey(object);
  if (env.lastBuilds.recall(object) !== undefined && cluster.drift.tracks(key)) return;
  const saved = await env.savedBuilds.load(object);
  if (saved === undefined || !belongsTo(object, saved.build)) return;
  cluster.drift.resume(key, saved.objects);
  env.lastBuilds.remember(object, saved.build, true);
  const { lastAppliedRevision: revision = saved.build.revision } = object.status ?? {};
  // The revision may have changed since then without a build. Whether the present artifact gives the same objects is
  // decided by the trace, as for every artifact.
  env.lastBuilds.update(object, { ...saved.build, revision }, { checked: false });
  await cluster.drift.settled(key, AbortSignal.any([ctx.signal, AbortSignal.timeout(SETTLE_MS)]));
}

function belongsTo(
  { metadata, status }: Kustomization,
  build: { uid: string | undefined; generation: number | undefined; inventory: string },
): boolean {
  return (
    build.uid === metadata.uid &&
    build.generation === metadata.generation &&
    build.inventory === inventoryDigest(status?.inventory)
  );
}
