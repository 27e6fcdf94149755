// The end of a HelmRelease: its release is uninstalled, and the chart object that was made for it goes.
import { FINALIZER, HelmRelease as HelmReleaseKind, READY, Reason } from '@weir/api';
import { accountExists } from '@weir/apply';
import { type Outcome, removeFinalizer } from '@weir/controller';
import { objectKey } from '@weir/kube';
import {
  type DeletionWait,
  Failure,
  messageOf,
  refuseUnsupported,
  setState,
  waitsForDependents,
} from '@weir/reconcile';
import { deleteChartObject } from './chart/template.ts';
import { forget } from './memory.ts';
import { CONTROLLER } from './names.ts';
import { uninstallKnown } from './release/target.ts';
import type { Run } from './run.ts';
import { fail, finish } from './status/finish.ts';

/**
 * Uninstalls, and removes the finalizer. A suspended HelmRelease leaves everything as it is. Where the account to act as is
 * gone, its namespace most likely is going too, and nothing is uninstalled. What fails is tried again.
 */
export async function deleteHelmRelease(run: Run): Promise<Outcome> {
  const { env, object, ctx } = run;
  const key = objectKey(object);
  run.cluster.drift.untrack(key);
  forget(env, key);
  if (!object.metadata.finalizers?.includes(FINALIZER)) return {};
  if (!object.spec.suspend) {
    const waiting = waitsForDependents(env.deletionOrder, object, env.settings.requeueDependencyMs);
    if (waiting !== undefined) return await waitForDependents(run, waiting);
    try {
      refuseUnsupported(object, object.status?.storageNamespace ? ['spec.kubeConfig'] : []);
      const why = await uninstall(run);
      if (why !== undefined) return await finish(run, { end: 'retry', why });
      await deleteChartObject(run);
    } catch (error) {
      return await fail(run, error);
    }
  }
  run.status.abandon();
  await removeFinalizer(env.client, HelmReleaseKind, object, FINALIZER, {
    fieldManager: CONTROLLER,
    guard: ctx.guard,
  });
  return {};
}

/** The release stays until those that depend on it are gone, which wakes it. */
async function waitForDependents(
  { status }: Run,
  { message, retryMs }: DeletionWait,
): Promise<Outcome> {
  const waiting = { status: 'False', reason: Reason.DependencyNotReady, message } as const;
  status.update((it) => setState(it, READY, waiting));
  await status.finish();
  return { requeueAfterMs: retryMs };
}

/** Answers why it failed. */
async function uninstall(run: Run): Promise<string | undefined> {
  const { env, object, status, ctx } = run;
  // A release in another cluster can't be looked for.
  if (!status.fields().storageNamespace && object.spec.kubeConfig !== undefined) return undefined;
  if (!(await hasAccount(run))) {
    ctx.log.warn('the ServiceAccount to act as is gone: the release stays as it is');
    return undefined;
  }
  const why = await uninstallKnown(run);
  if (why !== undefined) env.cluster.drift.untrack(objectKey(object));
  return why;
}

async function hasAccount({ env, object, status }: Run): Promise<boolean> {
  try {
    return await accountExists(env.client, object, env.settings.defaultServiceAccount);
  } catch (cause) {
    const reason = Reason.UninstallFailed;
    const message = `failed to confirm ServiceAccount can be used to uninstall release: ${messageOf(cause)}`;
    status.update((it) => setState(it, READY, { status: 'False', reason, message }));
    throw new Failure(reason, message, { cause, backoff: true });
  }
}
