// Brings a release to the state that the spec asks for: determines its state, decides on the next action, runs it, and
// repeats that until nothing is left to do or another run is needed. Each kind of action runs at most once in a run.
import { formatDuration, READY, RECONCILING, RELEASED, REMEDIATED, Reason } from '@weir/api';
import { dropStates, messageOf, setState } from '@weir/reconcile';
import type { ActionFailure } from '../actions/types.ts';
import type { Run } from '../run.ts';
import { asRetrying, asStalled, summarized } from '../status/conditions.ts';
import {
  type Acted,
  announce,
  readyMessage,
  release,
  rollback,
  test,
  uninstallFailed,
  unlock,
} from './act.ts';
import { requireNoDrift } from './drift.ts';
import { isVerified } from './history.ts';
import * as say from './messages.ts';
import { exceeded, type Next, nextAction } from './next-action.ts';
import { currentOf, type Prepared } from './prepared.ts';
import { activeRemediation, activeRetry } from './remediation.ts';
import { reportDeletedWorkloads } from './report-deleted-workloads.ts';
import { isForced } from './requests.ts';
import { type Observed, type ReleaseState, releaseState, stateError } from './state.ts';
import type { StoredRelease } from './types.ts';

/** How a run ended. */
export type Ending =
  | { end: 'done' | 'stalled' }
  /** Another run follows at once. */
  | { end: 'again' }
  /** The strategy `RetryOnFailure` waits for its interval. */
  | { end: 'later'; afterMs: number }
  /** The failure left nothing in storage: it is tried again with backoff, or when what was missing appears. */
  | { end: 'retry'; why: string; cause?: unknown }
  /** The spec or the chart changed. */
  | { end: 'interrupted' };

/** A run has at most one action of each kind. */
const KINDS = {
  install: 'release',
  upgrade: 'release',
  rollback: 'remediation',
  uninstall: 'remediation',
  test: 'test',
  unlock: 'unlock',
} as const;

/** Fails with StateError when the storage can't be read. */
export async function advance(run: Run, prepared: Prepared): Promise<Ending> {
  const done = new Set<string>();
  for (;;) {
    run.ctx.signal.throwIfAborted();
    const { last, state } = await observe(run, prepared, done);
    // This is read before the first action, because a forced action is done only once.
    const forced = isForced(run);
    const next = await decide(run, prepared, state, forced);
    run.ctx.log.debug({ state: state.name, action: next.action, why: next.why }, 'next action');
    const ended =
      next.action === 'none'
        ? await settle(run, prepared, next, last, done)
        : await perform(run, prepared, next, last, done);
    if (ended !== undefined) return ended;
  }
}

/** The digest of the values of the last successful release, in this run or before. */
function releasedDigest(
  { object, status }: Run,
  digest: string,
  done: ReadonlySet<string>,
): string | undefined {
  if (status.condition(RELEASED)?.status !== 'True') return undefined;
  return done.has('release') ? digest : object.status?.lastAttemptedConfigDigest;
}

async function observe(run: Run, { storage, chart, values }: Prepared, done: ReadonlySet<string>) {
  const observed: Observed = {
    last: await readLast(storage),
    chart: chart.metadata,
    configDigest: values.digest,
    releasedDigest: releasedDigest(run, values.digest, done),
  };
  try {
    const state = releaseState(run.object, run.status.fields(), observed);
    return { last: observed.last, state };
  } catch (error) {
    throw stateError(messageOf(error), error);
  }
}

async function readLast(storage: Prepared['storage']): Promise<StoredRelease | undefined> {
  try {
    return await storage.last();
  } catch (error) {
    throw stateError(`failed to retrieve last release from storage: ${messageOf(error)}`, error);
  }
}

async function decide(run: Run, { storage }: Prepared, state: ReleaseState, forced: boolean) {
  const { object, status, env } = run;
  const history = status.fields().history ?? [];
  const verified = new Set<number>();
  if (state.name === 'Failed') {
    for (const snapshot of history) {
      if (isVerified(snapshot, await storage.get(snapshot.version))) verified.add(snapshot.version);
    }
  }
  const next = nextAction(object, status.fields(), state, {
    forced,
    retryByDefault: env.settings.gates.DefaultToRetryOnFailure,
    isIntact: ({ version }) => verified.has(version),
  });
  if (next.history !== undefined && next.action !== 'none') status.set({ history: next.history });
  return next;
}

/** Undefined when the loop continues. */
async function perform(
  run: Run,
  prepared: Prepared,
  next: Exclude<Next, { action: 'none' }>,
  last: StoredRelease | undefined,
  done: Set<string>,
): Promise<Ending | undefined> {
  const { status, ctx } = run;
  if (next.action === 'stall') {
    status.update((it) => asStalled(it, next.reason, next.message));
    return { end: 'stalled' };
  }
  if (done.has(KINDS[next.action])) return notTwice(run);
  const acted = await act(run, prepared, next, last);
  done.add(KINDS[next.action]);
  if (ctx.superseded.aborted && acted.failed?.interrupted) return { end: 'interrupted' };
  if (acted.failed !== undefined && !acted.stored) return notStored(run, acted.failed);
  if (KINDS[next.action] === 'remediation') return afterRemediation(run);
  return undefined;
}

function act(
  run: Run,
  prepared: Prepared,
  next: Exclude<Next, { action: 'none' | 'stall' }>,
  last: StoredRelease | undefined,
): Promise<Acted> {
  run.ctx.log.info({ action: next.action, why: next.why }, 'running a Helm action');
  switch (next.action) {
    case 'install':
    case 'upgrade':
      announce(run, next.action, { releases: true });
      return release(run, prepared, next.action);
    case 'test':
      replaceRemediated(run);
      announce(run, 'test', { releases: false });
      return test(run, prepared);
    case 'rollback':
      announce(run, 'rollback', { releases: false });
      return rollback(run, prepared, next.to);
    case 'uninstall':
      announce(run, 'uninstall', { releases: false });
      return uninstallFailed(run, prepared);
    case 'unlock':
      if (last === undefined) throw new Error('there is no release to unlock');
      return unlock(run, prepared, last);
  }
}

/** The release matches the spec, apart from drift. */
async function settle(
  run: Run,
  prepared: Prepared,
  { history }: Next,
  last: StoredRelease | undefined,
  done: Set<string>,
): Promise<Ending | undefined> {
  const { object, status } = run;
  if (last !== undefined) {
    const corrected = await requireNoDrift(run, prepared, last, done);
    if (corrected === 'corrected') return undefined;
    if (corrected === 'again') return notTwice(run);
    if (corrected === 'drifted') {
      status.update((it) => summarized(dropStates(it, [RECONCILING]), object));
      return { end: 'done' };
    }
  }
  status.set({ history });
  await reportDeletedWorkloads(run);
  replaceRemediated(run);
  replaceFailed(run);
  status.update((it) => summarized(dropStates(it, [RECONCILING]), object));
  return { end: 'done' };
}

/** The release that was rolled back to matches the spec by now. */
function replaceRemediated(run: Run): void {
  const { status } = run;
  const current = currentOf(run);
  if (status.condition(REMEDIATED)?.status !== 'True' || current === undefined) return;
  const message = say.releaseSucceeded('upgrade', current);
  const reason = Reason.UpgradeSucceeded;
  status.update((it) =>
    setState(dropStates(it, [REMEDIATED]), RELEASED, { status: 'True', reason, message }),
  );
}

/** A failure is over when the release is in sync in spite of it. */
function replaceFailed(run: Run): void {
  const { status, object } = run;
  const current = currentOf(run);
  const isSaid = [READY, RELEASED].every((type) => status.condition(type)?.status === 'True');
  if (isSaid || current === undefined) return;
  const { reason: failed } = status.condition(RELEASED) ?? {};
  if (failed !== Reason.InstallFailed && failed !== Reason.UpgradeFailed) return;
  const action = failed === Reason.InstallFailed ? 'install' : 'upgrade';
  const reason = action === 'install' ? Reason.InstallSucceeded : Reason.UpgradeSucceeded;
  const message = say.releaseSucceeded(action, current);
  status.update((it) =>
    summarized(setState(it, RELEASED, { status: 'True', reason, message }), object),
  );
}

function afterRemediation(run: Run): Ending {
  const { object, status } = run;
  const retry = retryOf(run);
  if (retry !== undefined) return waitForRetry(run, retry.intervalMs);
  const remediation = activeRemediation(object, status.fields());
  const uninstalled =
    status.fields().lastAttemptedReleaseAction === 'upgrade' &&
    remediation?.strategy === 'uninstall';
  if (!remediation?.exhausted || uninstalled) return goOn(run);
  const { reason, message } = exceeded(object, status.fields());
  status.update((it) => asStalled(it, reason, message));
  return { end: 'stalled' };
}

/** The next action is one that this run has already done. */
function notTwice(run: Run): Ending {
  const { object, status } = run;
  const retry = retryOf(run);
  if (retry !== undefined) return waitForRetry(run, retry.intervalMs);
  if (activeRemediation(object, status.fields())?.exhausted !== true) return goOn(run);
  status.update((it) => dropStates(it, [RECONCILING]));
  return { end: 'done' };
}

function notStored(run: Run, { message: why, cause }: ActionFailure): Ending {
  const { status } = run;
  const retry = retryOf(run);
  if (retry !== undefined) return waitForRetry(run, retry.intervalMs);
  if (status.condition(READY)?.status === 'True') {
    const failed = { status: 'False', reason: Reason.ReconcileError, message: why } as const;
    status.update((it) => setState(it, READY, failed));
  }
  return { end: 'retry', why, cause };
}

function retryOf({ object, status, env }: Run) {
  return activeRetry(object, status.fields(), env.settings.gates.DefaultToRetryOnFailure);
}

function waitForRetry({ status }: Run, afterMs: number): Ending {
  status.update((it) => asRetrying(it, `retrying after ${formatDuration(afterMs)}`));
  return { end: 'later', afterMs };
}

function goOn(run: Run): Ending {
  run.status.update((it) => asRetrying(it, readyMessage(run)));
  return { end: 'again' };
}
