// How a run ends: in a Ready condition, an event, and the time of the next one.
import {
  type Artifact,
  findCondition,
  formatDuration,
  type Kustomization,
  READY,
  Reason,
  STALLED,
} from '@weir/api';
import { NotOwner, type Outcome, Stopped } from '@weir/controller';
import { isNoMatch, isUnavailable, objectKey } from '@weir/kube';
import type { Basis } from '../last-build/last-builds.ts';
import { DRIFT, type Environment } from '../environment.ts';
import { Failure } from './failure.ts';
import type { Attempt } from './history.ts';
import { type Run, revisions } from '../run.ts';
import { originRevision } from '../sources.ts';
import { intervalMs, retryIntervalMs } from '../timing.ts';
import { msUntilLook } from '../last-build/skip-build.ts';

export async function succeed(run: Run, artifact: Artifact): Promise<Outcome> {
  const { object, report, tell, startedAt } = run;
  const { causes } = run.ctx;
  const { revision } = artifact;
  const wasReady = findCondition(object.status?.conditions, READY)?.status === 'True';
  report.set({
    lastAppliedRevision: revision,
    lastAppliedOriginRevision: originRevision(artifact),
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
    // Where nothing happened in the cluster, the revision alone is no news to those who look at the object.
    const kubernetes = run.changed || !wasReady || causes.has('requested');
    const metadata = { commit_status: 'update' };
    tell('info', message, { ...revisions(run), kubernetes, metadata });
  }
  return { requeueAfterMs: intervalMs(object) };
}

/** The artifact gives what is in place already: only the revision is new. */
export async function passOn(
  run: Run,
  artifact: Artifact,
  basis: Basis,
  looked: boolean,
): Promise<Outcome> {
  const { env, object, report } = run;
  const { revision, digest } = artifact;
  run.digest = basis.digest;
  report.set({ lastAttemptedRevision: revision });
  await succeed(run, artifact);
  env.bases.passOn(object, { revision, artifact: digest }, { looked });
  return { requeueAfterMs: looked ? intervalMs(object) : msUntilLook(run, basis) };
}

/** What a new Kustomization waits for often comes with the same `kubectl apply`, a moment later. */
const PATIENCE_MS = 1_000;

/** Turns whatever ended a run into conditions, an event and the time of the next try. */
export async function fail(run: Run, error: unknown): Promise<Outcome> {
  const { env, object, report, tell, ctx } = run;
  if (ctx.signal.aborted || error instanceof NotOwner) throw error;
  if (ctx.superseded.aborted && !(error instanceof Failure)) return supersede(run);
  const failure = asFailure(error);
  const { reason, message, stalled, event } = failure;
  const before = findCondition(object.status?.conditions, READY);
  const isNew = ctx.causes.has('added') && before === undefined;
  if (isNew && failure.brief) return { requeueAfterMs: PATIENCE_MS };
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
  const { object, report, tell, ctx } = run;
  const why: unknown = ctx.superseded.reason;
  const { subject: changed, trigger: cause } = why instanceof Stopped ? why : {};
  // What is waited for was changed or deleted by hand: it is put back, and the wait goes on.
  if (cause === DRIFT) {
    report.abandon();
    return { requeueAfterMs: 0 };
  }
  const trigger = `triggered by ${changed ?? `Kustomization/${objectKey(object)}`}`;
  const message = `New reconciliation ${trigger}`;
  report.mark(READY, { status: 'False', reason: Reason.HealthCheckCanceled, message });
  await report.finish();
  tell('info', `Health checks canceled due to new reconciliation ${trigger}`, revisions(run));
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
function attempt({ artifact, digest, startedAt }: Run, status: string): Attempt | undefined {
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
