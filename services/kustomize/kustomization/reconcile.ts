// One Kustomization, from its source's artifact to a healthy cluster. Read it from top to bottom: it is
// the pipeline. What it calls is in the files beside it, and in @weir/apply.
import {
  type Artifact,
  FINALIZER,
  findCondition,
  formatDuration,
  HEALTHY,
  isRequested,
  type Kustomization,
  Kustomization as KustomizationKind,
  READY,
  Reason,
  unsupportedFields,
  unsupportedMessage,
} from '@weir/api';
import { type AppliedObject, areHealthy } from '@weir/apply';
import { addFinalizer, type Outcome, type ReconcileContext } from '@weir/controller';
import { isNotFound, objectKey } from '@weir/kube';
import { apply, prune } from './apply/apply.ts';
import { type Build, buildObjects, fetchFile } from './build/build.ts';
import { dependencyFailure, unreadyDependency } from './dependencies/dependencies.ts';
import { isWatched } from './apply/drift.ts';
import { type Environment, LOOKING, STATUS_MANAGER } from './environment.ts';
import { evaluateReady, requireExpressions, statusFunction } from './health/expressions.ts';
import { Failure } from './status/failure.ts';
import { finalizeKustomization } from './delete.ts';
import { awaitHealth, healthTargets, knownStanding, type Standing, standingOf } from './health/health.ts';
import { inventoryDigest } from './apply/inventory.ts';
import { describeLoop, findLoop } from './dependencies/loops.ts';
import { fail, passOn, succeed } from './status/finish.ts';
import { restoreBasis } from './last-build/restore.ts';
import { beginRun, type Run, revisions } from './run.ts';
import { findArtifact } from './sources.ts';
import { timeoutMs } from './timing.ts';
import { looksAtCluster, unaffectedBasis } from './last-build/skip-build.ts';
import { variablesDigest } from './build/variables.ts';

/** Causes of the first run of an object in this process. */
const STARTING = ['added', 'gained'];

/** Fields whose behaviour does not exist yet. */
const UNSUPPORTED = ['spec.decryption', 'spec.kubeConfig'];

/** Reconciles one Kustomization once. Rejects only for what the controller retries by itself. */
export async function reconcileKustomization(
  env: Environment,
  found: Kustomization,
  ctx: ReconcileContext,
): Promise<Outcome> {
  const key = objectKey(found);
  env.waiting.done(key);
  env.attempts.set(key, LOOKING);
  try {
    return await runPipeline(env, found, ctx);
  } finally {
    stopLooking(env, key);
  }
}

function stopLooking({ attempts }: Environment, key: string): void {
  if (attempts.get(key) === LOOKING) attempts.delete(key);
}

async function runPipeline(
  env: Environment,
  found: Kustomization,
  ctx: ReconcileContext,
): Promise<Outcome> {
  const key = objectKey(found);
  // Its last owner may have written what the watch has not told us yet.
  const latest = ctx.causes.has('gained') ? await readAgain(env, found) : found;
  if (latest === undefined) return {};
  if (latest.metadata.deletionTimestamp !== undefined)
    return finalizeKustomization(env, latest, ctx);
  const object = await addFinalizer(env.client, KustomizationKind, latest, FINALIZER, {
    fieldManager: STATUS_MANAGER,
    informer: env.kustomizations,
    guard: ctx.guard,
  });
  const run = beginRun(env, object, ctx);

  if (object.spec.suspend) {
    env.drift.untrack(key);
    env.bases.forget(key);
    await run.report.finish();
    return {};
  }
  try {
    refuseUnsupported(object);
    await requireExpressions(env.pool, object);
    run.artifact = await findSource(run);
    await requireDependencies(run, run.artifact);
    env.attempts.set(key, run.artifact.revision);

    if (STARTING.some((cause) => ctx.causes.has(cause)))
      await restoreBasis(env, object, ctx.signal);
    const basis = await unaffectedBasis(run, run.artifact);
    if (basis !== undefined) {
      const looked = looksAtCluster(run, basis);
      if (looked) await health(run, knownStanding(env, object));
      return await passOn(run, run.artifact, basis, looked);
    }

    run.report.quiet(isSettled(object, run.artifact));
    const built = await build(run, run.artifact);
    const applied = await apply(run, built);
    await prune(run, applied);
    await health(run, standingOf(applied));
    const outcome = await succeed(run, run.artifact);
    remember(run, run.artifact, built, applied);
    return outcome;
  } catch (error) {
    // Before anything is awaited, so that no artifact is missed that comes from now on.
    stopLooking(env, key);
    if (!isWaiting(error)) env.bases.forget(key);
    return await fail(run, error);
  } finally {
    run.tell.flush();
  }
}

/** Whether the run stopped before it had touched anything. */
function isWaiting(error: unknown): boolean {
  return error instanceof Failure && error.reason === Reason.DependencyNotReady;
}

async function readAgain(env: Environment, { metadata }: Kustomization) {
  const { namespace = '', name } = metadata;
  try {
    const object = await env.client.get<Kustomization>(KustomizationKind, { namespace, name });
    env.kustomizations.observe(object);
    return object;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function refuseUnsupported(object: Kustomization): void {
  const fields = unsupportedFields(object, UNSUPPORTED);
  if (fields.length === 0) return;
  throw new Failure(Reason.UnsupportedField, unsupportedMessage(fields), { stalled: true });
}

function findSource({ env, object }: Run): Promise<Artifact> {
  const { noCrossNamespaceRefs, requeueDependencyMs: retryMs, gates } = env.settings;
  const retryText = formatDuration(retryMs);
  const allowExternalArtifact = gates.ExternalArtifact;
  const limits = { noCrossNamespaceRefs, allowExternalArtifact, retryMs, retryText };
  return findArtifact(object, env.sources, limits);
}

async function requireDependencies({ env, object }: Run, artifact: Artifact): Promise<void> {
  if ((object.spec.dependsOn ?? []).length === 0) return;
  const key = objectKey(object);
  // Before anything is looked at, so that no change of a dependency is missed.
  env.waiting.forDependency(key);
  const message = await unreadyDependency(object, artifact, {
    find: env.kustomizations.get,
    isReady: (expression, dep) => evaluateReady(env.pool, expression, { self: object, dep }),
    additive: env.settings.gates.AdditiveCELDependencyCheck,
  });
  if (message === undefined) {
    env.waiting.done(key);
    return;
  }
  const { requeueDependencyMs: retryMs } = env.settings;
  const loop = findLoop(object, env.kustomizations.get);
  throw dependencyFailure(message, retryMs, formatDuration(retryMs), loop && describeLoop(loop));
}

/** Ready, for this revision and spec, and nobody asked: the run only makes sure. */
function isSettled(object: Kustomization, { revision }: Artifact): boolean {
  const { status } = object;
  return (
    findCondition(status?.conditions, READY)?.status === 'True' &&
    status?.observedGeneration === object.metadata.generation &&
    status?.lastAppliedRevision === revision &&
    !isRequested(object, status?.lastHandledReconcileAt)
  );
}

/** For the next artifact, the next interval and the next process. */
function remember(
  { env, object, report }: Run,
  { revision, digest: artifact }: Artifact,
  { digest, trace, substitute }: Build,
  applied: readonly AppliedObject[],
): void {
  const made = {
    revision,
    artifact,
    digest,
    trace,
    variables: variablesDigest(env.digest, substitute),
    inventory: inventoryDigest(report.fields().inventory),
    watched: isWatched(applied),
  };
  const compared = applied.every(({ intact }) => intact === undefined);
  const {
    lookedAt: _looked,
    comparedAt: _compared,
    ...basis
  } = env.bases.remember(object, made, compared);
  env.records.save(object, { basis, objects: env.drift.lastApplied(objectKey(object)) });
}

async function build(run: Run, artifact: Artifact): Promise<Build> {
  const { env, object, report, ctx } = run;
  const { revision, digest } = artifact;
  const limit = `with a timeout of ${formatDuration(timeoutMs(object))}`;
  const fetching = `Fetching manifests for revision ${revision} ${limit}`;
  const { lastAttemptedRevision } = report.fields();
  return env.tracing.span('kustomize.build', { attributes: { revision } }, async () => {
    report.progress(fetching);
    const file = await fetchFile(env, object, artifact, ctx.signal);
    report.set({ lastAttemptedRevision: revision });
    report.progress(`Building manifests for revision ${revision} ${limit}`);
    try {
      const built = await buildObjects(env, object, { digest, file }, ctx.signal);
      run.digest = built.digest;
      return built;
    } catch (error) {
      // An artifact without the path was not attempted: it is the artifact that is at fault.
      if (error instanceof Failure && error.reason === Reason.ArtifactFailed) {
        report.set({ lastAttemptedRevision });
        report.progress(fetching);
      }
      throw error;
    }
  });
}

async function health(run: Run, standing: Standing): Promise<void> {
  const { env, object, report, tell, client, ctx } = run;
  const { vanishing } = standing;
  const targets = await healthTargets(env, client, object, standing);
  if (targets === undefined) {
    report.drop(HEALTHY);
    return;
  }
  const { revision } = revisions(run);
  const before = report.condition(HEALTHY);
  const signal = AbortSignal.any([ctx.signal, ctx.superseded]);
  const check = () => awaitHealth(env, object, { client, targets, vanishing, signal }, report);
  await env.tracing.span('kustomize.health', {}, async () => {
    if (await areHealthy(targets, statusFunction(env.pool, object))) return check();
    const limit = formatDuration(timeoutMs(object));
    const message = `Running health checks for revision ${revision} with a timeout of ${limit}`;
    report.mark(HEALTHY, { status: 'Unknown', reason: Reason.Progressing, message });
    report.quiet(false);
    report.progress(message);
    return ctx.waiting(check);
  });
  const isNewRevision = revision !== object.status?.lastAppliedRevision;
  const after = report.condition(HEALTHY);
  if (before?.status === 'True' && !(isNewRevision && run.changed)) {
    // As healthy as before: how long the look took is no news.
    if (!run.changed) report.mark(HEALTHY, before);
  } else {
    tell('info', after?.message ?? '', revisions(run));
  }
}
