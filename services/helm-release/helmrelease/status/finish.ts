// The end of a run: conditions, an event, and the time of the next run.
import { findCondition, formatDuration, READY, RECONCILING, Reason } from '@weir/api';
import { backoffMs, NotOwner, type Outcome, Stopped } from '@weir/controller';
import { isNoMatch, isUnavailable, objectKey } from '@weir/kube';
import { asFailure, Failure, findCause, intervalMs, setState } from '@weir/reconcile';
import { RETRY } from '../environment.ts';
import type { Ending } from '../release/advance.ts';
import type { BaseRun } from '../run.ts';
import { asObserved, asStalled } from './conditions.ts';

/** Ends a run that came as far as the release. */
export async function finish(run: BaseRun, ending: Ending): Promise<Outcome> {
  const { env, object, status, ctx } = run;
  if (ending.end !== 'again') env.runsInRow.delete(objectKey(object));
  switch (ending.end) {
    case 'done':
      env.waiters.forget(objectKey(object));
      status.update(asObserved);
      await status.finish();
      return { requeueAfterMs: intervalMs(object.spec.interval, env.settings.minIntervalMs) };
    case 'stalled':
      status.update(asObserved);
      await status.finish();
      return {};
    case 'later':
      status.update(asObserved);
      await status.finish();
      return { requeueAfterMs: ending.afterMs };
    case 'again':
      await status.finish();
      return { requeueAfterMs: pauseMs(run) };
    case 'interrupted':
      return await supersede(run);
    case 'retry':
      explainRetry(run);
      await status.finish();
      ctx.log.warn({ why: ending.why }, 'reconciliation failed');
      if (isKindComing(run, ending.cause)) return { requeueAfterMs: COMING_RETRY_MS };
      return { retry: new Failure(readyReason(run), ending.why) };
  }
}

/** The pause before a run that waits for a kind whose definition was just applied, in ms. */
const COMING_RETRY_MS = 300;

/**
 * A run that failed because a kind is missing is tried again when a definition of its group appears: at once, if one
 * appeared a moment ago.
 */
function isKindComing({ env, object }: BaseRun, cause: unknown): boolean {
  const missing = findCause(cause, isNoMatch);
  if (!isNoMatch(missing)) return false;
  env.waiters.forGroup(objectKey(object), missing.group);
  if (!env.waiters.isComing(missing.group)) return false;
  env.clusters.at(objectKey(object)).client.discovery.invalidate();
  return true;
}

/** So many runs follow each other without a pause: an install that fails, its remediation, and the next install. */
const AT_ONCE = 3;

/** Milliseconds before the next run of a release that is remediated, or changed by somebody else, again and again. */
function pauseMs({ env, object }: BaseRun): number {
  const key = objectKey(object);
  const runs = (env.runsInRow.get(key) ?? 0) + 1;
  env.runsInRow.set(key, runs);
  return runs <= AT_ONCE ? 0 : backoffMs(runs - AT_ONCE, RETRY);
}

/** What a new HelmRelease waits for is often created a moment later by the same `kubectl apply`. */
const PATIENCE_MS = 1_000;

/** Turns the error that ended a run before its release into conditions, an event and the time of the next run. */
export async function fail(run: BaseRun, error: unknown): Promise<Outcome> {
  const { object, status, ctx } = run;
  if (ctx.signal.aborted || error instanceof NotOwner) throw error;
  if (ctx.superseded.aborted && !(error instanceof Failure)) return supersede(run);
  const unavailable = findCause(error, isUnavailable) !== undefined;
  const failure = asFailure(error, Reason.ReconcileError);
  const { reason, message } = failure;
  const before = findCondition(object.status?.conditions, READY);
  if (ctx.causes.has('added') && before === undefined && failure.brief) {
    status.abandon();
    return { requeueAfterMs: PATIENCE_MS };
  }
  status.update((it) => setState(it, READY, { status: 'False', reason, message }));
  if (failure.stalled) status.update((it) => asStalled(it, reason, message));
  else if (failure.backoff || unavailable || !(error instanceof Failure)) explainRetry(run);
  ctx.log.warn({ reason, err: failure }, 'reconciliation failed');
  await status.finish();
  publish(run, failure, before?.message);
  if (failure.stalled) return {};
  if (failure.retryMs !== undefined) return { requeueAfterMs: failure.retryMs };
  return { retry: failure };
}

/** A wait is published once, however often the run repeats; `before` is Ready at the start of the run. */
function publish(
  { env, object, events }: BaseRun,
  failure: Failure,
  before: string | undefined,
): void {
  const { event, reason, message } = failure;
  if (event === 'none') return;
  if (event === undefined) {
    events.publish('error', reason, message);
    return;
  }
  const isFirst = env.waiters.isFirstEvent(objectKey(object), '', event.message);
  if (event.severity === 'error' || (isFirst && before !== message)) {
    events.publish(event.severity, event.reason ?? reason, event.message);
  }
}

/** Adds to the status when the next attempt comes, and which one it is. */
function explainRetry({ status, ctx }: BaseRun): void {
  const doing = status.condition(RECONCILING);
  if (doing === undefined) return;
  const { reason } = doing;
  const next = formatDuration(backoffMs(ctx.attempt, RETRY));
  const message = `Trying again in ${next}, and at once when the spec or the chart changes (${ctx.attempt} failed in a row)`;
  status.update((it) => setState(it, RECONCILING, { status: 'True', reason, message }));
}

function readyReason({ status }: BaseRun): string {
  return status.condition(READY)?.reason ?? Reason.ReconcileError;
}

async function supersede({ object, status, events, ctx }: BaseRun): Promise<Outcome> {
  const why: unknown = ctx.superseded.reason;
  const subject = why instanceof Stopped ? why.subject : undefined;
  const trigger = `triggered by ${subject ?? `HelmRelease/${objectKey(object)}`}`;
  const reason = Reason.HealthCheckCanceled;
  const message = `New reconciliation ${trigger}`;
  status.update((it) => setState(it, READY, { status: 'False', reason, message }));
  await status.finish();
  events.publish('info', reason, `Health checks canceled due to new reconciliation ${trigger}`);
  return { requeueAfterMs: 0 };
}
