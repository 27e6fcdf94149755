// The step that finds the cluster to apply to: the service's own, or the one that `spec.kubeConfig` leads to.
import { type Artifact, formatDuration, type Kustomization, Reason } from '@weir/api';
import { namesOfEntries, type TargetCluster, targetCluster } from '@weir/apply';
import { ClusterError, describeMove, type EnteredCluster, hasMoved } from '@weir/clusters';
import { objectKey } from '@weir/kube';
import { Failure, messageOf, setFields } from '@weir/reconcile';
import { heldEntries } from '../apply/inventory.ts';
import type { ClusterRun, Run } from '../run.ts';
import { timeoutMs } from '../timing.ts';

/**
 * Runs the rest of the pipeline against the cluster. Work in another cluster holds no worker. Fails with
 * ReconciliationFailed when the cluster can't be reached.
 */
export async function inCluster<T>(
  run: Run,
  artifact: Artifact,
  work: (run: ClusterRun) => Promise<T>,
): Promise<T> {
  const entered = await enter(run).catch((error: unknown) => {
    noteAttempt(run, artifact);
    throw error;
  });
  const there = within(followMove(run, entered), entered);
  if (entered.slots === undefined) return work(there);
  const { namespace = '' } = run.object.metadata;
  return entered.slots.use(namespace, run.ctx, (ctx) => work({ ...there, ctx }));
}

/**
 * Finds the cluster; no worker is held while the answer of another cluster is awaited. Fails with ReconciliationFailed.
 */
export async function enter({ env, object, ctx }: Run): Promise<EnteredCluster<TargetCluster>> {
  const find = () => env.clusters.enter(object, ctx.signal);
  try {
    return await (object.spec.kubeConfig === undefined ? find() : ctx.waiting(find));
  } catch (cause) {
    ctx.signal.throwIfAborted();
    const why = messageOf(cause);
    const reason = Reason.ReconciliationFailed;
    if (cause instanceof ClusterError) {
      const event = { severity: 'error', message: `failed to build kube client: ${why}` } as const;
      throw new Failure(reason, why, { cause, event });
    }
    throw new Failure(reason, `the cluster of spec.kubeConfig can't be used: ${why}`, { cause });
  }
}

/** The run with this cluster and the rights that the Kustomization acts with. */
export function within(run: Run, { cluster, id }: EnteredCluster<TargetCluster>): ClusterRun {
  const acting = targetCluster(cluster, run.object, run.env.settings.defaultServiceAccount);
  return { ...run, cluster: acting, clusterID: id };
}

/** As in Flux, a revision counts as attempted once it could be built. */
function noteAttempt({ object, status }: Run, { revision }: Artifact): void {
  const limit = formatDuration(timeoutMs(object));
  status.update((it) => setFields(it, { lastAttemptedRevision: revision }));
  status.progress(`Building manifests for revision ${revision} with a timeout of ${limit}`);
}

/**
 * When the Kustomization was applied to another cluster before, nothing is pruned in this one: its inventory starts
 * empty, and an event names the objects that stay in the former cluster.
 */
function followMove(run: Run, entered: EnteredCluster<TargetCluster>): Run {
  const { env, object, status, events } = run;
  const recorded = object.status?.clusterID;
  if (recorded !== entered.id) status.update((it) => setFields(it, { clusterID: entered.id }));
  if (!hasMoved(entered, recorded)) return run;
  env.lastBuilds.forget(objectKey(object));
  env.savedBuilds.remove(object);
  if (heldEntries(object).length === 0) return run;
  status.update((it) => setFields(it, { inventory: undefined }));
  events.publish(
    'error',
    `${describeMove(object, entered.id, recorded)}: nothing is pruned there, and the inventory begins anew. In the former cluster stay:\n${namesOfHeld(object)}`,
  );
  return { ...run, object: withoutInventory(object) };
}

/** A list of the objects that a Kustomization has applied. */
export function namesOfHeld(object: Kustomization): string {
  return namesOfEntries(heldEntries(object)).join('\n');
}

function withoutInventory(object: Kustomization): Kustomization {
  const { inventory: _, ...status } = object.status ?? {};
  return { ...object, status };
}
