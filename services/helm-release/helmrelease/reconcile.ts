// Reconciles one HelmRelease: from its chart and values to a release that matches the spec. The pipeline reads from top
// to bottom. Each step is in a folder beside this file; what other kinds do as well is in @weir/reconcile.
import { type HelmRelease, HelmRelease as HelmReleaseKind, Reason } from '@weir/api';
import type { Outcome, ReconcileContext } from '@weir/controller';
import { objectKey } from '@weir/kube';
import { asProgressing, claimObject, Failure, requireExpressions } from '@weir/reconcile';
import type { LoadedChart } from './actions/types.ts';
import { loadChart } from './chart/load.ts';
import { requireSource } from './chart/source.ts';
import { requireChartObject } from './chart/template.ts';
import { inCluster } from './cluster/cluster.ts';
import { deleteHelmRelease } from './delete.ts';
import { requireReadyDependencies } from './dependencies.ts';
import type { Environment } from './environment.ts';
import { forget } from './memory.ts';
import { CONTROLLER } from './names.ts';
import { advance } from './release/advance.ts';
import { clearFailures, resetReason } from './release/counters.ts';
import { releaseTarget } from './release/names.ts';
import { openStorage, type Prepared } from './release/prepared.ts';
import { isReset } from './release/requests.ts';
import { changedTarget, uninstallKnown } from './release/target.ts';
import { type BaseRun, beginRun, type Run } from './run.ts';
import { asObserved, withoutObstacle } from './status/conditions.ts';
import { fail, finish } from './status/finish.ts';
import { composeValues } from './values/values.ts';

/** Reconciles one HelmRelease once. Rejects only for what the controller retries by itself. */
export async function reconcileHelmRelease(
  env: Environment,
  found: HelmRelease,
  ctx: ReconcileContext,
): Promise<Outcome> {
  const { client, releases: informer } = env;
  const key = objectKey(found);
  env.waiters.done(key);
  env.attemptedRevisions.search(key);
  try {
    const options = { client, kind: HelmReleaseKind, informer, fieldManager: CONTROLLER };
    const claimed = await claimObject(found, ctx, options);
    if (claimed === undefined) return {};
    const run = beginRun(env, claimed.object, ctx);
    if (claimed.deleting) return await deleteHelmRelease(run);
    return run.object.spec.suspend ? await suspend(run) : await runPipeline(run);
  } finally {
    env.attemptedRevisions.endSearch(key);
  }
}

async function suspend({ env, object, status }: BaseRun): Promise<Outcome> {
  env.clusters.leave(objectKey(object));
  forget(env, objectKey(object));
  status.update(asObserved);
  await status.finish();
  return {};
}

async function runPipeline(run: BaseRun): Promise<Outcome> {
  const { env, object, status } = run;
  const key = objectKey(object);
  try {
    await requireExpressions(env.pool, object);
    await requireChartObject(run);
    status.update((it) => asProgressing(it, 'Fulfilling prerequisites'));
    await requireReadyDependencies(run);
    const source = await requireSource(run);
    env.attemptedRevisions.take(key, source.artifact.revision);
    const values = await composeValues(run);
    const chart = await loadChart(run, source);
    return await inCluster(run, (there) => releaseChart(there, chart, values));
  } catch (error) {
    // This comes before the first await, so that no artifact is missed that is announced from now on.
    env.attemptedRevisions.endSearch(key);
    // When the run failed because of the artifact itself, the same artifact is worth another run.
    if (error instanceof Failure && error.reason === Reason.ArtifactFailed) {
      env.attemptedRevisions.forget(key);
    }
    return await fail(run, error);
  }
}

/** The part of the pipeline that needs the cluster. */
async function releaseChart(
  run: Run,
  chart: LoadedChart,
  values: Awaited<ReturnType<typeof composeValues>>,
): Promise<Outcome> {
  const { object, status, ctx } = run;
  status.update((it) => withoutObstacle(it, OBSTACLES));

  const changed = changedTarget(run, chart.metadata.name);
  if (changed !== undefined) {
    ctx.log.info({ changed }, 'the release is another one now: uninstalling the old one');
    const why = await uninstallKnown(run, { moves: changed === 'release namespace' });
    if (why !== undefined) return await finish(run, { end: 'retry', why });
    clearFailures(run);
    return await finish(run, { end: 'again' });
  }
  const target = releaseTarget(object);
  const prepared: Prepared = {
    chart,
    values: { text: values.values, digest: values.digest },
    target,
    storage: openStorage(run, target),
  };
  beginAttempt(run, prepared);
  return await finish(run, await advance(run, prepared));
}

/** Reasons of Ready for steps that the run has passed by now. */
const OBSTACLES = [
  Reason.DependencyNotReady,
  Reason.AccessDenied,
  Reason.ArtifactFailed,
  Reason.SourceNotReady,
  Reason.ValuesError,
  Reason.UnsupportedField,
  Reason.RESTClientError,
];

/** Records what is attempted; failures of earlier attempts no longer count. */
function beginAttempt(run: Run, { chart, values, target }: Prepared): void {
  const { object, status, ctx } = run;
  const revision = chart.metadata.version;
  const configDigest = values.digest;
  // This is asked first, so that the request counts as handled whatever the reason is.
  const resetRequested = isReset(run);
  const reason = resetReason(run, { revision, configDigest, resetRequested });
  if (reason !== undefined) {
    ctx.log.debug({ reason }, 'failures count from 0 again');
    clearFailures(run);
  }
  status.set({
    storageNamespace: target.storageNamespace,
    ...(object.metadata.generation === undefined
      ? {}
      : { lastAttemptedGeneration: object.metadata.generation }),
    lastAttemptedRevision: revision,
    lastAttemptedRevisionDigest: chart.ociDigest,
    lastAttemptedConfigDigest: configDigest,
    lastAttemptedValuesChecksum: undefined,
    lastReleaseRevision: undefined,
  });
}
