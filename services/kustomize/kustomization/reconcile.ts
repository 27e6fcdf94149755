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
  STALLED,
  unsupportedFields,
  unsupportedMessage,
} from '@weir/api';
import {
  type AppliedObject,
  ApplyError,
  applyObjects,
  effective,
  formatChange,
  formatChanges,
  inventoryId,
  pruneObjects,
} from '@weir/apply';
import { addFinalizer, NotOwner, type Outcome, type ReconcileContext } from '@weir/controller';
import { isNoMatch, isUnavailable, type KubeClient, type KubeObject, objectKey } from '@weir/kube';
import { accountClient } from './account.ts';
import { type Build, buildObjects, fetchFile, refuseEncrypted } from './build.ts';
import { dependencyFailure, unreadyDependency } from './dependencies.ts';
import { trackApplied } from './drift.ts';
import { type Environment, STATUS_MANAGER } from './environment.ts';
import { createTell, type Tell } from './events.ts';
import { Failure } from './failure.ts';
import { finalizeKustomization } from './finalize.ts';
import { awaitHealth, healthTargets } from './health.ts';
import type { Attempt } from './history.ts';
import {
  appliedEntries,
  grownInventory,
  heldEntries,
  staleTargets,
  touchedInventory,
} from './inventory.ts';
import { ownerOf } from './owner.ts';
import { createReport, type Report } from './report.ts';
import { findArtifact, originRevision } from './sources.ts';
import { intervalMs, retryIntervalMs, timeoutMs } from './timing.ts';
import { gatherVariables } from './variables.ts';

/** Fields whose behaviour does not exist yet. */
const UNSUPPORTED = [
  'spec.decryption',
  'spec.kubeConfig',
  'spec.ignore',
  'spec.healthCheckExprs',
  'spec.dependsOn[].readyExpr',
];

/** What a run knows; each step adds to it. */
interface Run {
  env: Environment;
  object: Kustomization;
  ctx: ReconcileContext;
  report: Report;
  tell: Tell;
  /** With the rights that the Kustomization acts with. */
  client: KubeClient;
  startedAt: Date;
  artifact?: Artifact;
  build?: Build;
}

/** Reconciles one Kustomization once. Rejects only for what the controller retries by itself. */
export async function reconcileKustomization(
  env: Environment,
  found: Kustomization,
  ctx: ReconcileContext,
): Promise<Outcome> {
  const key = objectKey(found);
  env.waiting.done(key);
  if (found.metadata.deletionTimestamp !== undefined) return finalizeKustomization(env, found, ctx);
  const object = await addFinalizer(env.client, KustomizationKind, found, FINALIZER, {
    fieldManager: STATUS_MANAGER,
    informer: env.kustomizations,
    guard: ctx.guard,
  });
  const report = createReport(env, object, ctx);
  const tell = createTell(env, object, report, ctx);
  const client = accountClient(env.client, object, env.settings.defaultServiceAccount);
  const run: Run = { env, object, ctx, report, tell, client, startedAt: new Date() };

  if (object.spec.suspend) {
    env.drift.untrack(key);
    await report.finish();
    return {};
  }
  try {
    refuseUnsupported(object);
    run.artifact = await findSource(run);
    requireDependencies(run, run.artifact);

    report.quiet(isSettled(object, run.artifact));
    run.build = await build(run, run.artifact);
    const applied = await apply(run, run.build);
    await prune(run, applied);
    await health(run, applied, run.build.objects);
    return await succeed(run, run.artifact);
  } catch (error) {
    return await fail(run, error);
  }
}

function refuseUnsupported(object: Kustomization): void {
  const fields = unsupportedFields(object, UNSUPPORTED);
  if (fields.length === 0) return;
  throw new Failure(Reason.UnsupportedField, unsupportedMessage(fields), { stalled: true });
}

function findSource({ env, object }: Run): Promise<Artifact> {
  const { noCrossNamespaceRefs, requeueDependencyMs: retryMs } = env.settings;
  const retryText = formatDuration(retryMs);
  return findArtifact(object, env.sources, { noCrossNamespaceRefs, retryMs, retryText });
}

function requireDependencies({ env, object }: Run, artifact: Artifact): void {
  const message = unreadyDependency(object, artifact, env.kustomizations.get);
  if (message === undefined) return;
  // Before anything else happens, so that no change of the dependency is missed.
  env.waiting.forDependency(objectKey(object));
  const { requeueDependencyMs: retryMs } = env.settings;
  throw dependencyFailure(message, retryMs, formatDuration(retryMs));
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

async function build(run: Run, artifact: Artifact): Promise<Build> {
  const { env, object, report, ctx } = run;
  const { revision, digest } = artifact;
  const limit = `with a timeout of ${formatDuration(timeoutMs(object))}`;
  return env.tracing.span('kustomize.build', { attributes: { revision } }, async () => {
    report.progress(`Fetching manifests for revision ${revision} ${limit}`);
    const [file, substitute] = await Promise.all([
      fetchFile(env, object, artifact, ctx.signal),
      gatherVariables(env.client, object, { strict: env.settings.strictSubstitutions }),
    ]);
    report.set({ lastAttemptedRevision: revision });
    report.progress(`Building manifests for revision ${revision} ${limit}`);
    const input = { artifact: { digest, file }, substitute, ownerLabels: ownerOf(object).labels };
    const built = await buildObjects(env, object, input, ctx.signal);
    refuseEncrypted(built.objects);
    return built;
  });
}

async function apply(run: Run, { objects }: Build): Promise<AppliedObject[]> {
  const { env, object, report, tell, client, ctx } = run;
  const { revision } = revisions(run);
  const held = heldEntries(object);
  const known = new Set(held.map(({ id }) => id));
  const key = objectKey(object);
  report.progress(
    `Detecting drift for revision ${revision} with a timeout of ${formatDuration(timeoutMs(object))}`,
  );
  return env.tracing.span('kustomize.apply', {}, async () => {
    env.drift.hold(key);
    try {
      const applied = await applyObjects(client, objects, {
        owner: ownerOf(object),
        force: object.spec.force ?? false,
        concurrency: env.settings.concurrentSsa,
        customKinds: env.settings.customStageKinds,
        overrideManagers: env.settings.overrideManagers,
        expected: (id) => known.has(inventoryId(id)),
        record: () => record(run, objects),
        guard: ctx.guard,
        status: (list) => env.pool.status(list),
        signal: ctx.signal,
      });
      await trackApplied(env, object, applied);
      const changes = effective(applied.map(({ change }) => change));
      if (changes.length > 0) {
        report.quiet(false);
        tell('info', formatChanges(changes), revisions(run));
      }
      return applied;
    } catch (error) {
      if (!(error instanceof ApplyError)) throw error;
      // What was written half is left to the retry.
      if (error.touched.length > 0) env.drift.untrack(key);
      report.set({ inventory: { entries: touchedInventory(held, error.touched) } });
      const log = effective(error.changes).map((change) => `${formatChange(change)}\n`);
      const message = `${error.message}\n${log.join('')}`;
      throw new Failure(Reason.ReconciliationFailed, message, { cause: error.cause });
    } finally {
      env.drift.release(key);
    }
  });
}

/** What is about to be there is written down before it is, so that nothing is ever orphaned. */
async function record({ object, report, ctx }: Run, objects: KubeObject[]): Promise<void> {
  const grown = grownInventory(heldEntries(object), objects);
  if (grown === undefined) return;
  ctx.guard();
  await report.record(grown);
}

async function prune(run: Run, applied: readonly AppliedObject[]): Promise<void> {
  const { env, object, report, tell, client, ctx } = run;
  const entries = appliedEntries(applied);
  report.set({ inventory: { entries } });
  const stale = staleTargets(heldEntries(object), entries);
  if (stale.length === 0 || !object.spec.prune) return;
  await env.tracing.span('kustomize.prune', {}, async () => {
    const { changes, left, error } = await pruneObjects(client, stale, {
      owner: ownerOf(object),
      keep: new Set(applied.flatMap(({ object }) => object?.metadata.uid ?? [])),
      concurrency: env.settings.concurrentSsa,
      guard: ctx.guard,
      signal: ctx.signal,
    });
    report.quiet(false);
    report.set({ inventory: { entries: touchedInventory(entries, left) } });
    if (error !== undefined) throw new Failure(Reason.PruneFailed, error);
    tell('info', formatChanges(changes), revisions(run));
  });
}

async function health(
  run: Run,
  applied: readonly AppliedObject[],
  rendered: KubeObject[],
): Promise<void> {
  const { env, object, report, tell, client, ctx } = run;
  const { wait = false, healthChecks = [] } = object.spec;
  const targets =
    wait || healthChecks.length > 0 ? await healthTargets(client, object, applied) : [];
  if (targets.length === 0) {
    report.drop(HEALTHY);
    return;
  }
  const { revision } = revisions(run);
  const before = report.condition(HEALTHY);
  const limit = formatDuration(timeoutMs(object));
  const message = `Running health checks for revision ${revision} with a timeout of ${limit}`;
  report.mark(HEALTHY, { status: 'Unknown', reason: Reason.Progressing, message });
  report.progress(message);
  const signal = AbortSignal.any([ctx.signal, ctx.superseded]);
  const input = { client, targets, rendered, signal };
  await env.tracing.span('kustomize.health', {}, () =>
    ctx.waiting(() => awaitHealth(env, object, input, report)),
  );
  const changed = effective(applied.map(({ change }) => change)).length > 0;
  const isNewRevision = revision !== report.fields().lastAppliedRevision;
  const after = report.condition(HEALTHY);
  if (before?.status === 'True' && !(isNewRevision && changed)) {
    // As healthy as before: how long the look took is no news.
    if (!changed) report.mark(HEALTHY, before);
  } else {
    tell('info', after?.message ?? '', revisions(run));
  }
}

async function succeed(run: Run, artifact: Artifact): Promise<Outcome> {
  const { object, report, tell, startedAt } = run;
  const { revision } = artifact;
  const origin = originRevision(artifact);
  const { lastAppliedOriginRevision: _before, ...fields } = report.fields();
  report.set({
    ...fields,
    lastAppliedRevision: revision,
    ...(origin === undefined ? {} : { lastAppliedOriginRevision: origin }),
  });
  report.mark(READY, {
    status: 'True',
    reason: Reason.ReconciliationSucceeded,
    message: `Applied revision: ${revision}`,
  });
  const isNews = await report.finish(attempt(run, Reason.ReconciliationSucceeded));
  const took = formatDuration(Date.now() - startedAt.getTime());
  if (isNews) {
    const message = `Reconciliation finished in ${took}, next run in ${formatDuration(intervalMs(object))}`;
    tell('info', message, { ...revisions(run), metadata: { commit_status: 'update' } });
  }
  return { requeueAfterMs: intervalMs(object) };
}

/** Turns whatever ended a run into conditions, an event and the time of the next try. */
async function fail(run: Run, error: unknown): Promise<Outcome> {
  const { env, object, report, tell, ctx } = run;
  if (ctx.signal.aborted || error instanceof NotOwner) throw error;
  if (ctx.superseded.aborted && !(error instanceof Failure)) return supersede(run);
  const failure = asFailure(error);
  const { reason, message, stalled, event } = failure;
  const before = findCondition(object.status?.conditions, READY);
  report.mark(READY, { status: 'False', reason, message });
  if (stalled) {
    report.mark(STALLED, { status: 'True', reason, message });
    report.set({ observedGeneration: object.metadata.generation ?? 0 });
  }
  ctx.log.warn({ reason, revision: run.artifact?.revision, err: failure }, 'reconciliation failed');
  await report.finish(attempt(run, reason));
  // What only waits says so once.
  const isWait = event !== undefined && event !== 'none';
  if (event !== 'none' && !(isWait && before?.message === message)) {
    tell(event?.severity ?? 'error', event?.message ?? message, revisions(run));
  }
  if (stalled) return {};
  if (failure.backoff || someCause(failure, isUnavailable)) return { retry: failure };
  return { requeueAfterMs: nextTry(env, object, failure) };
}

/** Between two looks for a kind whose definition was just applied. */
const COMING_RETRY_MS = 300;

/** When to try again what no event is sure to announce. */
function nextTry(
  { client, waiting }: Environment,
  object: Kustomization,
  failure: Failure,
): number {
  const missing = someCause(failure, isNoMatch);
  if (isNoMatch(missing)) {
    waiting.forGroup(objectKey(object), missing.group);
    if (waiting.isComing(missing.group)) {
      client.discovery.invalidate();
      return COMING_RETRY_MS;
    }
  }
  return failure.retryMs ?? retryIntervalMs(object);
}

async function supersede(run: Run): Promise<Outcome> {
  const { report, tell } = run;
  const reason = Reason.HealthCheckCanceled;
  const message = 'New reconciliation triggered';
  report.mark(READY, { status: 'False', reason, message });
  await report.finish(attempt(run, reason));
  tell('info', 'Health checks canceled due to new reconciliation triggered', revisions(run));
  return { requeueAfterMs: 0 };
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure(Reason.ReconciliationFailed, message, { cause: error });
}

/** The error, or the first of those that led to it, for which this is true. */
function someCause(error: unknown, is: (cause: unknown) => boolean): unknown {
  if (is(error)) return error;
  return error instanceof Error ? someCause(error.cause, is) : undefined;
}

/** A line of the history; runs that built nothing leave none. */
function attempt({ artifact, build, startedAt }: Run, status: string): Attempt | undefined {
  if (artifact === undefined || build === undefined) return undefined;
  const origin = originRevision(artifact);
  return {
    digest: build.digest,
    status,
    startedAt,
    durationMs: Date.now() - startedAt.getTime(),
    metadata: {
      revision: artifact.revision,
      ...(origin === undefined ? {} : { originRevision: origin }),
    },
  };
}

function revisions({ artifact }: Run) {
  return {
    revision: artifact?.revision,
    originRevision: artifact && originRevision(artifact),
  };
}
