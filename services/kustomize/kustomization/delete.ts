// The end of a Kustomization: what it holds is deleted or left, as its deletion policy says.
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
import { type Outcome, type ReconcileContext, removeFinalizer } from '@weir/controller';
import { objectKey } from '@weir/kube';
import { asFailed, type DeletionWait, Failure, waitsForDependents } from '@weir/reconcile';
import { heldEntries } from './apply/inventory.ts';
import { ownerOf } from './apply/owner.ts';
import { type Environment, STATUS_MANAGER } from './environment.ts';
import { beginRun, type Run } from './run.ts';
import { asObserved } from './status/run-status.ts';
import { timeoutMs } from './timing.ts';

/**
 * Prunes, and removes the finalizer. Needs neither the source nor a build. Where the account to act as is gone, an event
 * names what is left behind. A Kustomization whose objects are in a cluster that can't be reached keeps its finalizer
 * until its spec changes. A failed delete is tried again.
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
    if (deletesObjects(object)) {
      refuseOtherCluster(object);
      await deleteObjects(run);
    }
  } catch (error) {
    if (!(error instanceof Failure && error.stalled)) throw error;
    return await keepStalled(run, error);
  } finally {
    run.events.flush();
  }
  await removeFinalizer(env.client, KustomizationKind, object, FINALIZER, {
    fieldManager: STATUS_MANAGER,
    guard: ctx.guard,
  });
  return {};
}

/** Everything stays until those that depend on it are gone, which wakes it. */
async function waitForDependents(
  { status }: Run,
  { message, retryMs }: DeletionWait,
): Promise<Outcome> {
  status.update((it) => asFailed(it, new Failure(Reason.DependencyNotReady, message)));
  await status.finish();
  return { requeueAfterMs: retryMs };
}

/** A suspended Kustomization leaves everything as it is, like one that holds nothing. */
export function deletesObjects(object: Kustomization): boolean {
  const { suspend, prune, deletionPolicy = 'MirrorPrune' } = object.spec;
  if (suspend || heldEntries(object).length === 0) return false;
  return deletionPolicy === 'MirrorPrune' ? prune : deletionPolicy !== 'Orphan';
}

/**
 * Throws a stalled Failure for a Kustomization whose objects are in another cluster: those of this one that have the
 * same names are not meant.
 */
function refuseOtherCluster({ spec }: Kustomization): void {
  if (spec.kubeConfig === undefined) return;
  const message =
    'nothing is deleted: spec.kubeConfig names another cluster, which is not supported yet. ' +
    'Set spec.deletionPolicy to Orphan to leave its objects as they are';
  throw new Failure(Reason.UnsupportedField, message, { stalled: true });
}

function forget(env: Environment, object: Kustomization): void {
  const key = objectKey(object);
  env.cluster.drift.untrack(key);
  env.attemptedRevisions.forget(key);
  env.waiters.forget(key);
  env.dependencyWatches.done(key);
  env.lastBuilds.forget(key);
  env.savedBuilds.remove(object);
}

async function keepStalled({ object, status, events }: Run, failure: Failure): Promise<Outcome> {
  status.update((it) => asFailed(it, failure));
  await status.finish();
  events.publish('error', failure.message, lastRevisions(object));
  return {};
}

async function deleteObjects(run: Run): Promise<void> {
  const { env, object, events } = run;
  const targets = heldEntries(object).map(targetOfEntry);
  if (await accountExists(env.client, object, env.settings.defaultServiceAccount)) {
    await pruneAll(run, targets);
    return;
  }
  const list = targets.map(subjectOf).join('\n');
  events.publish('error', `unable to prune objects: \n${list}`, lastRevisions(object));
}

async function pruneAll(
  { env, object, status, events, cluster, ctx }: Run,
  targets: ObjectTarget[],
): Promise<void> {
  const { changes, error } = await pruneObjects(cluster, targets, {
    owner: ownerOf(object),
    concurrency: env.settings.concurrentSsa,
    guard: ctx.guard,
    signal: ctx.signal,
  });
  if (error !== undefined) {
    events.publish('error', 'pruning for deleted resource failed', lastRevisions(object));
    // Whoever asked for a reconcile, or waits for this generation, sees that it was tried.
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
