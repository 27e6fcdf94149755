// The step that finds the cluster to release to: the service's own, or the one that `spec.kubeConfig` leads to.
import { type HelmRelease, Reason } from '@weir/api';
import { namesOfEntries, targetCluster } from '@weir/apply';
import { ClusterError, describeMove, type EnteredCluster, hasMoved } from '@weir/clusters';
import { Failure, messageOf } from '@weir/reconcile';
import { clearFailures } from '../release/counters.ts';
import { latest, releaseLabel } from '../release/history.ts';
import type { BaseRun, Run } from '../run.ts';
import type { ReleaseCluster } from './open.ts';

/** Runs the rest of the pipeline against the cluster. Fails with RESTClientError when the cluster can't be reached. */
export async function inCluster<T>(run: BaseRun, work: (run: Run) => Promise<T>): Promise<T> {
  const entered = await enter(run);
  followMove(run, entered);
  return within(run, entered, work);
}

/** Finds the cluster; no worker is held while the answer of another cluster is awaited. Fails with RESTClientError. */
export async function enter({
  env,
  object,
  ctx,
}: BaseRun): Promise<EnteredCluster<ReleaseCluster>> {
  const find = () => env.clusters.enter(object, ctx.signal);
  try {
    return await (object.spec.kubeConfig === undefined ? find() : ctx.waiting(find));
  } catch (cause) {
    ctx.signal.throwIfAborted();
    const why = messageOf(cause);
    const message =
      cause instanceof ClusterError ? why : `the cluster of spec.kubeConfig can't be used: ${why}`;
    // As in Flux there is no event: the condition has the message, and nothing happened to the release.
    throw new Failure(Reason.RESTClientError, message, { cause, backoff: true, event: 'none' });
  }
}

/** Works in the cluster with the rights that the HelmRelease acts with. Work in another cluster holds no worker. */
export function within<T>(
  run: BaseRun,
  { cluster, slots }: EnteredCluster<ReleaseCluster>,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  const { env, object } = run;
  const acting = targetCluster(cluster, object, env.settings.defaultServiceAccount);
  const there = { ...run, cluster: acting };
  if (slots === undefined) return work(there);
  const { namespace = '' } = object.metadata;
  return slots.use(namespace, run.ctx, (ctx) => work({ ...there, ctx }));
}

/**
 * When the release was made in another cluster before, it stays there: the history in this cluster starts empty,
 * nothing is uninstalled, and an event says so.
 */
function followMove(run: BaseRun, entered: EnteredCluster<ReleaseCluster>): void {
  const { object, status, events } = run;
  const recorded = object.status?.clusterID;
  if (recorded !== entered.id) status.set({ clusterID: entered.id });
  if (!hasMoved(entered, recorded)) return;
  const left = describeRecordedRelease(object);
  status.set({ history: undefined, storageNamespace: undefined, inventory: undefined });
  clearFailures(run);
  if (left === undefined) return;
  events.publish(
    'error',
    Reason.Progressing,
    `${describeMove(object, entered.id, recorded)}: nothing is uninstalled, and the release begins anew. In the former cluster stays ${left}`,
  );
}

/** Names the release that the status records, with its objects; undefined if it records none. */
export function describeRecordedRelease({ status }: HelmRelease): string | undefined {
  const current = latest(status?.history ?? []);
  if (current === undefined) return undefined;
  return [releaseLabel(current), ...namesOfEntries(status?.inventory?.entries ?? [])].join('\n');
}
