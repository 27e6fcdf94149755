// The deletion of a HelmRelease: its release is uninstalled, and the chart object that was made for it is deleted.
import { FINALIZER, HelmRelease as HelmReleaseKind, READY, Reason } from '@weir/api';
import { accountExists } from '@weir/apply';
import { hasMoved } from '@weir/clusters';
import { type Outcome, removeFinalizer } from '@weir/controller';
import { isNotFound, objectKey } from '@weir/kube';
import {
  type DeletionWait,
  Failure,
  findCause,
  messageOf,
  setState,
  waitsForDependents,
} from '@weir/reconcile';
import { deleteChartObject } from './chart/template.ts';
import { describeRecordedRelease, enter, within } from './cluster/cluster.ts';
import { forget } from './memory.ts';
import { CONTROLLER } from './names.ts';
import { uninstallKnown } from './release/target.ts';
import type { BaseRun } from './run.ts';
import { fail, finish } from './status/finish.ts';

/**
 * Uninstalls, and removes the finalizer. A suspended HelmRelease uninstalls nothing. If the service account is gone,
 * its namespace is most likely being deleted, and nothing is uninstalled. A failure is tried again.
 */
export async function deleteHelmRelease(run: BaseRun): Promise<Outcome> {
  const { env, object, ctx } = run;
  const key = objectKey(object);
  forget(env, key);
  if (!object.metadata.finalizers?.includes(FINALIZER)) return {};
  if (!object.spec.suspend) {
    const waiting = waitsForDependents(env.deletionOrder, object, env.settings.requeueDependencyMs);
    if (waiting !== undefined) return await waitForDependents(run, waiting);
    try {
      const why = await uninstall(run);
      if (why !== undefined) return await finish(run, { end: 'retry', why });
      await deleteChartObject(run);
    } catch (error) {
      return await fail(run, error);
    }
  }
  env.clusters.leave(key);
  run.status.abandon();
  await removeFinalizer(env.client, HelmReleaseKind, object, FINALIZER, {
    fieldManager: CONTROLLER,
    guard: ctx.guard,
  });
  return {};
}

/** The release stays until the objects that depend on this one are gone, which starts the next run. */
async function waitForDependents(
  { status }: BaseRun,
  { message, retryMs }: DeletionWait,
): Promise<Outcome> {
  const waiting = { status: 'False', reason: Reason.DependencyNotReady, message } as const;
  status.update((it) => setState(it, READY, waiting));
  await status.finish();
  return { requeueAfterMs: retryMs };
}

/** Resolves with the reason of a failure. */
async function uninstall(run: BaseRun): Promise<string | undefined> {
  const { object, ctx } = run;
  if (object.spec.kubeConfig === undefined && !(await hasAccount(run))) {
    ctx.log.warn('the ServiceAccount to act as is gone: the release stays as it is');
    return undefined;
  }
  const entered = await enter(run).catch((error: unknown) => notReached(run, error));
  if (entered === undefined) return undefined;
  if (hasMoved(entered, object.status?.clusterID)) {
    sayLeft(run, 'spec.kubeConfig leads to another cluster than before');
    return undefined;
  }
  return within(run, entered, async (there) => {
    const why = await uninstallKnown(there);
    if (why !== undefined) there.cluster.drift.untrack(objectKey(object));
    return why;
  });
}

/**
 * Undefined when there is nothing to uninstall, or no way to do so: then the release stays, as in Flux, because a
 * missing Secret was most likely deleted with its namespace. Fails with UninstallFailed for what may pass.
 */
async function notReached(run: BaseRun, error: unknown): Promise<undefined> {
  const { object, status } = run;
  if (!(error instanceof Failure)) throw error;
  if (!object.status?.storageNamespace) return undefined;
  if (findCause(error, isNotFound) !== undefined) {
    sayLeft(run, error.message);
    return undefined;
  }
  const reason = Reason.UninstallFailed;
  const message = `failed to build REST client getter to uninstall release: ${error.message}`;
  status.update((it) => setState(it, READY, { status: 'False', reason, message }));
  throw new Failure(reason, message, { cause: error, backoff: true });
}

function sayLeft({ object, events, ctx }: BaseRun, why: string): void {
  const left = describeRecordedRelease(object);
  ctx.log.warn({ why }, 'the release stays as it is');
  if (left === undefined) return;
  const message = `nothing is uninstalled: ${why}. What stays: ${left}`;
  events.publish('error', Reason.UninstallFailed, message);
}

async function hasAccount({ env, object, status }: BaseRun): Promise<boolean> {
  try {
    return await accountExists(env.client, object, env.settings.defaultServiceAccount);
  } catch (cause) {
    const reason = Reason.UninstallFailed;
    const message = `failed to confirm ServiceAccount can be used to uninstall release: ${messageOf(cause)}`;
    status.update((it) => setState(it, READY, { status: 'False', reason, message }));
    throw new Failure(reason, message, { cause, backoff: true });
  }
}
