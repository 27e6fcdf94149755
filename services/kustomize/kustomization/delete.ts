// The deletion of a Kustomization: its objects are deleted or left, as its deletion policy says.
import {
  FINALIZER,
  type Kustomization,
  Kustomization as KustomizationKind,
  Reason,
} from '@weir/api';
import {
  accountExists,
  type ChangeSet,
  formatChanges,
  type ObjectTarget,
  pruneObjects,
  subjectOf,
  targetOfEntry,
  waitUntilGone,
} from '@weir/apply';
import { hasMoved } from '@weir/clusters';
import { type Outcome, type ReconcileContext, removeFinalizer } from '@weir/controller';
import { objectKey } from '@weir/kube';
import { asFailed, type DeletionWait, Failure, waitsForDependents } from '@weir/reconcile';
import { heldEntries } from './apply/inventory.ts';
import { ownerOf } from './apply/owner.ts';
import { enter, namesOfHeld, within } from './cluster/cluster.ts';
import { type Environment, STATUS_MANAGER } from './environment.ts';
import { beginRun, type ClusterRun, type Run } from './run.ts';
import { asObserved } from './status/run-status.ts';
import { timeoutMs } from './timing.ts';

/**
 * Prunes, and removes the finalizer. It needs neither the source nor a build. If the service account is gone, an event
 * names the objects that are left. A failed delete is tried again, and so is a deletion in a cluster that can't be
 * reached.
 */
export async function deleteKustomization(
  env: Environment,
  object: Kustomization,
  ctx: ReconcileContext,
): Promise<Outcome> {
  forget(env, object);
  if (!object.metadata.finalizers?.includes(FINALIZER)) return {};
  const run = beginRun(env, object, ctx);
  const waiting = object.spec.suspend
    ? undefined
    : waitsForDependents(env.deletionOrder, object, env.settings.requeueDependencyMs);
  if (waiting !== undefined) return await waitForDependents(run, waiting);
  try {
    if (deletesObjects(object)) await deleteObjects(run);
  } finally {
    run.events.flush();
  }
  env.clusters.leave(objectKey(object));
  await removeFinalizer(env.client, KustomizationKind, object, FINALIZER, {
    fieldManager: STATUS_MANAGER,
    guard: ctx.guard,
  });
  return {};
}

/** Nothing is deleted before the objects that depend on this one are gone, which starts the next run. */
async function waitForDependents(
  { status }: Run,
  { message, retryMs }: DeletionWait,
): Promise<Outcome> {
  status.update((it) => asFailed(it, new Failure(Reason.DependencyNotReady, message)));
  await status.finish();
  return { requeueAfterMs: retryMs };
}

/** A suspended Kustomization deletes nothing, and neither does one that has applied nothing. */
export function deletesObjects(object: Kustomization): boolean {
  const { suspend, prune, deletionPolicy = 'MirrorPrune' } = object.spec;
  if (suspend || heldEntries(object).length === 0) return false;
  return deletionPolicy === 'MirrorPrune' ? prune : deletionPolicy !== 'Orphan';
}

function forget(env: Environment, object: Kustomization): void {
  const key = objectKey(object);
  env.clusters.leave(key);
  env.attemptedRevisions.forget(key);
  env.waiters.forget(key);
  env.dependencyWatches.done(key);
  env.lastBuilds.forget(key);
  env.savedBuilds.remove(object);
}

async function deleteObjects(run: Run): Promise<void> {
  const { env, object, events } = run;
  if (!(await accountExists(env.client, object, env.settings.defaultServiceAccount))) {
    const list = heldEntries(object).map(targetOfEntry).map(subjectOf).join('\n');
    events.publish('error', `unable to prune objects: \n${list}`, lastRevisions(object));
    return;
  }
  const entered = await enter(run).catch((error: unknown) => notReached(run, error));
  if (hasMoved(entered, object.status?.clusterID)) {
    const message = `nothing is deleted: spec.kubeConfig leads to another cluster than before. In the former cluster stay:\n${namesOfHeld(object)}`;
    events.publish('error', message, lastRevisions(object));
    return;
  }
  const there = within(run, entered);
  if (entered.slots === undefined) return await pruneAll(there);
  const { namespace = '' } = object.metadata;
  await entered.slots.use(namespace, run.ctx, (ctx) => pruneAll({ ...there, ctx }));
}

/** Reports why the Kustomization stays, and throws that error. */
async function notReached({ object, status, events }: Run, error: unknown): Promise<never> {
  if (error instanceof Failure) {
    status.update((it) => asFailed(it, error));
    await status.finish();
    events.publish('error', `unable to prune objects: ${error.message}`, lastRevisions(object));
  }
  throw error;
}

async function pruneAll(run: ClusterRun): Promise<void> {
  const { env, object, status, events, cluster, ctx } = run;
  const targets = heldEntries(object).map(targetOfEntry);
  const { changes, error } = await pruneObjects(cluster, targets, {
    owner: ownerOf(object),
    concurrency: env.settings.concurrentSsa,
    guard: ctx.guard,
    signal: ctx.signal,
  });
  if (error !== undefined) {
    events.publish('error', 'pruning for deleted resource failed', lastRevisions(object));
    // Records that the request and this generation were handled, for clients that wait for that.
    status.update(asObserved);
    await status.finish();
    throw new Error(error);
  }
  events.publish('info', formatChanges(changes), lastRevisions(object));
  if (object.spec.deletionPolicy !== 'WaitForTermination') return;
  const limit = { timeoutMs: timeoutMs(object), signal: ctx.signal };
  const left = await ctx.waiting(() => waitUntilGone(cluster, deletedTargets(changes), limit));
  if (left.length === 0) return;
  ctx.log.error({ left: left.map(subjectOf) }, 'objects still there after the timeout');
  events.publish('error', 'failed to wait for resources termination', lastRevisions(object));
}

function deletedTargets(changes: ChangeSet): ObjectTarget[] {
  return changes.flatMap(({ id, version, action }) =>
    action === 'deleted' ? { ...id, version } : [],
  );
}

function lastRevisions({ status }: Kustomization) {
  return {
    revision: status?.lastAppliedRevision,
    originRevision: status?.lastAppliedOriginRevision,
  };
}
