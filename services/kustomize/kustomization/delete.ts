// The end of a Kustomization: what it holds is deleted or left, as its deletion policy says.
import { FINALIZER, type Kustomization, Kustomization as KustomizationKind } from '@weir/api';
import {
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
import { accountClient, accountExists } from './apply/account.ts';
import { type Environment, STATUS_MANAGER } from './environment.ts';
import { createTell, type Tell } from './status/events.ts';
import { heldEntries } from './apply/inventory.ts';
import { ownerOf } from './apply/owner.ts';
import { createReport, type Report } from './status/status-report.ts';
import { timeoutMs } from './timing.ts';

/**
 * Prunes and lets go of the object. Needs neither its source nor a build; where the account to act as is
 * gone, what is left behind is named in an event. A failed delete is tried again.
 */
export async function finalizeKustomization(
  env: Environment,
  object: Kustomization,
  ctx: ReconcileContext,
): Promise<Outcome> {
  env.drift.untrack(objectKey(object));
  env.attempts.delete(objectKey(object));
  env.bases.forget(objectKey(object));
  env.records.remove(object);
  if (!object.metadata.finalizers?.includes(FINALIZER)) return {};
  const report = createReport(env, object, ctx);
  const tell = createTell(env, object, report, ctx);
  if (deletesObjects(object)) {
    const targets = heldEntries(object).map(targetOfEntry);
    if (await accountExists(env.client, object, env.settings.defaultServiceAccount)) {
      await deleteAll(env, object, ctx, targets, { report, tell });
    } else {
      const list = targets.map(subjectOf).join('\n');
      tell('error', `unable to prune objects: \n${list}`, revisionsOf(object));
    }
  }
  tell.flush();
  await removeFinalizer(env.client, KustomizationKind, object, FINALIZER, {
    fieldManager: STATUS_MANAGER,
    guard: ctx.guard,
  });
  return {};
}

/** A suspended Kustomization leaves everything as it is, like one that holds nothing. */
export function deletesObjects(object: Kustomization): boolean {
  const { suspend, prune, deletionPolicy = 'MirrorPrune' } = object.spec;
  if (suspend || heldEntries(object).length === 0) return false;
  return deletionPolicy === 'MirrorPrune' ? prune : deletionPolicy !== 'Orphan';
}

async function deleteAll(
  env: Environment,
  object: Kustomization,
  ctx: ReconcileContext,
  targets: ObjectTarget[],
  { report, tell }: { report: Report; tell: Tell },
): Promise<void> {
  const client = accountClient(env.client, object, env.settings.defaultServiceAccount);
  const { changes, error } = await pruneObjects(client, targets, {
    owner: ownerOf(object),
    concurrency: env.settings.concurrentSsa,
    guard: ctx.guard,
    signal: ctx.signal,
  });
  if (error !== undefined) {
    tell('error', 'pruning for deleted resource failed', revisionsOf(object));
    // Whoever asked for a reconcile, or waits for this generation, sees that it was tried.
    await report.finish();
    throw new Error(error);
  }
  tell('info', formatChanges(changes), revisionsOf(object));
  if (object.spec.deletionPolicy !== 'WaitForTermination') return;
  const limit = { timeoutMs: timeoutMs(object), signal: ctx.signal };
  const left = await ctx.waiting(() => waitUntilGone(client, deleted(changes), limit));
  if (left.length === 0) return;
  ctx.log.error({ left: left.map(subjectOf) }, 'objects still there after the timeout');
  tell('error', 'failed to wait for resources termination', revisionsOf(object));
}

function deleted(changes: ChangeSet): ObjectTarget[] {
  return changes.flatMap(({ id, version, action }) =>
    action === 'deleted' ? { ...id, version } : [],
  );
}

function revisionsOf({ status }: Kustomization) {
  return {
    revision: status?.lastAppliedRevision,
    originRevision: status?.lastAppliedOriginRevision,
  };
}
