// Reconciles one Kustomization: from its source's artifact to healthy objects in the cluster. The pipeline reads from
// top to bottom. Each step is in a folder beside this file; what other kinds do as well is in @weir/reconcile.
import {
  type Artifact,
  findCondition,
  isRequested,
  type Kustomization,
  Kustomization as KustomizationKind,
  READY,
  Reason,
} from '@weir/api';
import type { Outcome, ReconcileContext } from '@weir/controller';
import { objectKey } from '@weir/kube';
import { claimObject, Failure, requireExpressions, requireObjectIdentity } from '@weir/reconcile';
import { apply } from './apply/apply.ts';
import { prune } from './apply/prune.ts';
import { build as buildArtifact } from './build/build.ts';
import { fetchFile } from './build/fetch.ts';
import { inCluster } from './cluster/cluster.ts';
import { deleteKustomization } from './delete.ts';
import { requireReadyDependencies } from './dependencies/dependencies.ts';
import { type Environment, STATUS_MANAGER } from './environment.ts';
import { requireHealth } from './health/health.ts';
import { heldAfterApply, heldBefore } from './health/targets.ts';
import { rememberBuild } from './last-build/remember.ts';
import { restoreBuild } from './last-build/restore.ts';
import { checksCluster, skippableBuild } from './last-build/skip-build.ts';
import { beginRun, type ClusterRun, type Run } from './run.ts';
import { requireArtifact } from './source/source.ts';
import { fail, type Progress, succeed, succeedUnchanged } from './status/finish.ts';
import { asObserved } from './status/run-status.ts';

/** Reconciles one Kustomization once. Rejects only for what the controller retries by itself. */
export async function reconcileKustomization(
  env: Environment,
  found: Kustomization,
  ctx: ReconcileContext,
): Promise<Outcome> {
  const { client, kustomizations: informer } = env;
  const key = objectKey(found);
  env.waiters.done(key);
  env.attemptedRevisions.search(key);
  try {
    const options = { client, kind: KustomizationKind, informer, fieldManager: STATUS_MANAGER };
    const claimed = await claimObject(found, ctx, options);
    if (claimed === undefined) return {};
    const { object } = claimed;
    if (claimed.deleting) return await deleteKustomization(env, object, ctx);
    const run = beginRun(env, object, ctx);
    return object.spec.suspend ? await suspend(run) : await runPipeline(run);
  } finally {
    env.attemptedRevisions.endSearch(key);
  }
}

async function suspend({ env, object, status }: Run): Promise<Outcome> {
  const key = objectKey(object);
  env.clusters.leave(key);
  env.lastBuilds.forget(key);
  env.dependencyWatches.done(key);
  status.update(asObserved);
  await status.finish();
  return {};
}

async function runPipeline(run: Run): Promise<Outcome> {
  const { env, object, events } = run;
  const key = objectKey(object);
  let progress: Progress = {};
  try {
    await requireExpressions(env.pool, object);
    requireObjectIdentity(env.decryption.identities, object.spec.decryption?.serviceAccountName, {
      field: 'spec.decryption.serviceAccountName',
      purpose: 'decryption authentication',
    });
    const artifact = await requireArtifact(run);
    progress = { artifact };
    await requireReadyDependencies(run, artifact);
    env.attemptedRevisions.take(key, artifact.revision);

    return await inCluster(run, artifact, (there) =>
      applyArtifact(there, artifact, (digest) => {
        progress = { artifact, digest };
      }),
    );
  } catch (error) {
    // This comes before the first await, so that no artifact is missed that is announced from now on.
    env.attemptedRevisions.endSearch(key);
    if (!touchedNothing(error)) env.lastBuilds.forget(key);
    return await fail(run, progress, error);
  } finally {
    events.flush();
  }
}

/** The part of the pipeline that needs the cluster. `built` is called with the digest of what was built. */
async function applyArtifact(
  run: ClusterRun,
  artifact: Artifact,
  built: (digest: string) => void,
): Promise<Outcome> {
  const { object, status, cluster } = run;
  await restoreBuild(run);
  const last = await skippableBuild(run, artifact);
  if (last !== undefined) {
    const checked = checksCluster(run, last);
    const held = heldBefore(cluster, object);
    if (checked) await requireHealth(run, artifact, held, { changed: false });
    return await succeedUnchanged(run, artifact, last, { checked });
  }

  status.quiet(isSettled(object, artifact));
  const file = await fetchFile(run, artifact);
  const build = await buildArtifact(run, artifact, file);
  const { digest } = build;
  built(digest);
  const { applied, changed: wrote } = await apply(run, artifact, build);
  const pruned = await prune(run, artifact, applied);
  const changed = wrote || pruned;
  await requireHealth(run, artifact, heldAfterApply(applied), { changed });
  const outcome = await succeed(run, artifact, { digest, changed });
  rememberBuild(run, artifact, build, applied);
  return outcome;
}

/** Whether the object is Ready for this revision and spec, and no run was requested. */
function isSettled(object: Kustomization, { revision }: Artifact): boolean {
  const { status } = object;
  return (
    findCondition(status?.conditions, READY)?.status === 'True' &&
    status?.observedGeneration === object.metadata.generation &&
    status?.lastAppliedRevision === revision &&
    !isRequested(object, status?.lastHandledReconcileAt)
  );
}

/** A run that waits for dependencies ends before it changes anything in the cluster. */
function touchedNothing(error: unknown): boolean {
  return error instanceof Failure && error.reason === Reason.DependencyNotReady;
}
