// The end of a run: a Ready condition, an event, and the time of the next run.
import { type Artifact, findCondition, formatDuration, READY, Reason } from '@weir/api';
import { NotOwner, type Outcome, Stopped } from '@weir/controller';
import { isNoMatch, isUnavailable, objectKey } from '@weir/kube';
import {
  asFailed,
  asFailure,
  asSucceeded,
  DRIFT,
  Failure,
  findCause,
  intervalMs,
  setFields,
} from '@weir/reconcile';
import { originRevision } from '@weir/sources';
import type { LastBuild } from '../last-build/last-builds.ts';
import { msUntilCheck } from '../last-build/skip-build.ts';
import { type Run, revisionsOf } from '../run.ts';
import { retryIntervalMs } from '../timing.ts';
import type { Attempt } from './history.ts';

/** How far a run has come. */
export interface Progress {
  /** The artifact of the source, once it is known. */
  artifact?: Artifact;
  /** Digest of the manifests, once they are built. */
  digest?: string;
}

/** Ends a run that applied the artifact. `changed`: something in the cluster was created, changed or deleted. */
export async function succeed(
  run: Run,
  artifact: Artifact,
  { digest, changed }: { digest: string; changed: boolean },
): Promise<Outcome> {
  const { env, object, status, events, startedAt, ctx } = run;
  const { revision } = artifact;
  const nextMs = intervalMs(object.spec.interval, env.settings.minIntervalMs);
  const wasReady = findCondition(object.status?.conditions, READY)?.status === 'True';
  env.waiters.forget(objectKey(object));
  const reason = Reason.ReconciliationSucceeded;
  status.update((it) => {
    const lastAppliedOriginRevision = originRevision(artifact);
    const applied = setFields(it, { lastAppliedRevision: revision, lastAppliedOriginRevision });
    return asSucceeded(applied, { reason, message: `Applied revision: ${revision}` });
  });
  const isNews = await status.finish(attemptOf(run, { artifact, digest }, reason));
  const took = formatDuration(Date.now() - startedAt.getTime());
  if (isNews) {
    const message = `Reconciliation finished in ${took}, next run in ${formatDuration(nextMs)}`;
    // When nothing happened in the cluster, a new revision alone is not worth a Kubernetes Event.
    const kubernetes = changed || !wasReady || ctx.causes.has('requested');
    const metadata = { commit_status: 'update' };
    events.publish('info', message, { ...revisionsOf(artifact), kubernetes, metadata });
  }
  return { requeueAfterMs: nextMs };
}

/**
 * Ends a run for which nothing had to be built: only the revision is new. `checked`: the cluster was checked as well.
 */
export async function succeedUnchanged(
  run: Run,
  artifact: Artifact,
  last: LastBuild,
  { checked }: { checked: boolean },
): Promise<Outcome> {
  const { env, object, status } = run;
  const { revision, digest } = artifact;
  status.update((it) => setFields(it, { lastAttemptedRevision: revision }));
  const outcome = await succeed(run, artifact, { digest: last.digest, changed: false });
  env.lastBuilds.update(object, { revision, artifact: digest }, { checked });
  return checked ? outcome : { requeueAfterMs: msUntilCheck(run, last) };
}

/** What a new Kustomization waits for is often created a moment later by the same `kubectl apply`. */
const PATIENCE_MS = 1_000;

/** Turns the error that ended a run into conditions, an event and the time of the next run. */
export async function fail(run: Run, progress: Progress, error: unknown): Promise<Outcome> {
  const { object, status, ctx } = run;
  if (ctx.signal.aborted || error instanceof NotOwner) throw error;
  if (ctx.superseded.aborted && !(error instanceof Failure)) return supersede(run, progress);
  const failure = asFailure(error, Reason.ReconciliationFailed);
  const { reason, stalled } = failure;
  const before = findCondition(object.status?.conditions, READY);
  const isNew = ctx.causes.has('added') && before === undefined;
  if (isNew && failure.brief) return { requeueAfterMs: PATIENCE_MS };
  status.update((it) => asFailed(it, failure));
  const { revision } = progress.artifact ?? {};
  ctx.log.warn({ reason, revision, err: failure }, 'reconciliation failed');
  await status.finish(attemptOf(run, progress, reason));
  publishFailure(run, progress, failure, before?.message);
  if (stalled) return {};
  if (failure.backoff || findCause(failure, isUnavailable)) return { retry: failure };
  return { requeueAfterMs: nextTry(run, failure) };
}

/**
 * A wait is published once for each revision, however often the run repeats; `before` is Ready at the start of the run.
 */
function publishFailure(
  { env, object, events }: Run,
  { artifact }: Progress,
  { event, message }: Failure,
  before: string | undefined,
): void {
  if (event === 'none') return;
  const revisions = artifact === undefined ? {} : revisionsOf(artifact);
  if (event === undefined) {
    events.publish('error', message, revisions);
    return;
  }
  const { revision = '' } = artifact ?? {};
  const isFirst = env.waiters.isFirstEvent(objectKey(object), revision, event.message);
  if (isFirst && before !== message) events.publish(event.severity, event.message, revisions);
}

/** The pause before a run that waits for a kind whose definition was just applied. */
const COMING_RETRY_MS = 300;

/** Milliseconds until the next run after a failure that no event is certain to resolve. */
function nextTry({ env, object }: Run, failure: Failure): number {
  const missing = findCause(failure, isNoMatch);
  if (isNoMatch(missing)) {
    env.waiters.forGroup(objectKey(object), missing.group);
    if (env.waiters.isComing(missing.group)) {
      env.clusters.at(objectKey(object)).client.discovery.invalidate();
      return COMING_RETRY_MS;
    }
  }
  return failure.retryMs ?? retryIntervalMs(object, env.settings.minIntervalMs);
}

async function supersede(
  { object, status, events, ctx }: Run,
  { artifact }: Progress,
): Promise<Outcome> {
  const why: unknown = ctx.superseded.reason;
  const { subject: changed, trigger: cause } = why instanceof Stopped ? why : {};
  // An object that the run waited for was changed or deleted by hand: the next run corrects it and waits again.
  if (cause === DRIFT) {
    status.abandon();
    return { requeueAfterMs: 0 };
  }
  const trigger = `triggered by ${changed ?? `Kustomization/${objectKey(object)}`}`;
  const failure = new Failure(Reason.HealthCheckCanceled, `New reconciliation ${trigger}`);
  status.update((it) => asFailed(it, failure));
  await status.finish();
  const canceled = `Health checks canceled due to new reconciliation ${trigger}`;
  events.publish('info', canceled, artifact === undefined ? {} : revisionsOf(artifact));
  return { requeueAfterMs: 0 };
}

/** The entry for `status.history`; runs that built nothing have none. */
function attemptOf(
  { startedAt }: Run,
  { artifact, digest }: Progress,
  status: string,
): Attempt | undefined {
  if (artifact === undefined || digest === undefined) return undefined;
  const origin = originRevision(artifact);
  return {
    digest,
    status,
    startedAt,
    durationMs: Date.now() - startedAt.getTime(),
    metadata: {
      revision: artifact.revision,
      ...(origin === undefined ? {} : { originRevision: origin }),
    },
  };
}
