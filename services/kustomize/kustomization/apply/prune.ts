// The step that deletes what is no longer in the inventory.
import { type Artifact, Reason } from '@weir/api';
import { type AppliedObject, formatChanges, pruneObjects } from '@weir/apply';
import { Failure, setFields } from '@weir/reconcile';
import { type ClusterRun, revisionsOf } from '../run.ts';
import { appliedEntries, heldEntries, staleTargets, touchedInventory } from './inventory.ts';
import { ownerOf } from './owner.ts';

/** Resolves with whether there was anything to delete. Fails with PruneFailed. */
export async function prune(
  { env, object, status, events, cluster, ctx }: ClusterRun,
  artifact: Artifact,
  applied: readonly AppliedObject[],
): Promise<boolean> {
  const entries = appliedEntries(applied);
  status.update((it) => setFields(it, { inventory: { entries } }));
  const stale = staleTargets(heldEntries(object), entries);
  if (stale.length === 0 || !object.spec.prune) return false;
  return env.tracing.span('kustomize.prune', {}, async () => {
    const { changes, left, error } = await pruneObjects(cluster, stale, {
      owner: ownerOf(object),
      keep: new Set(applied.flatMap(({ object, intact }) => intact ?? object?.metadata.uid ?? [])),
      concurrency: env.settings.concurrentSsa,
      guard: ctx.guard,
      signal: ctx.signal,
    });
    status.quiet(false);
    const inventory = { entries: touchedInventory(entries, left) };
    status.update((it) => setFields(it, { inventory }));
    if (error !== undefined) throw new Failure(Reason.PruneFailed, error);
    events.publish('info', formatChanges(changes), revisionsOf(artifact));
    return true;
  });
}
