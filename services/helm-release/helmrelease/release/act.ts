// Runs one action and records the result in the history, conditions, counters and an event.
import {
  formatDuration,
  READY,
  RELEASED,
  REMEDIATED,
  Reason,
  type ReleaseSnapshot,
  TEST_SUCCESS,
} from '@weir/api';
import { isForbidden } from '@weir/kube';
import { asProgressing, dropStates, findCause, messageOf, setState } from '@weir/reconcile';
import type { ActionFailure, ActionResult } from '../actions/types.ts';
import type { Run } from '../run.ts';
import { summarized } from '../status/conditions.ts';
import { subjectOf } from '../status/events.ts';
import { clearFailures, countFailure } from './counters.ts';
import { isTested, latest, snapshotOf } from './history.ts';
import { afterRelease, afterRemediation, afterTests, afterUnlock } from './history-after-action.ts';
import * as say from './messages.ts';
import { type TimedAction, timeoutMs } from './names.ts';
import { actionContext, currentOf, type Prepared } from './prepared.ts';
import { activeRemediation, activeRetry } from './remediation.ts';
import { stateError } from './state.ts';
import type { StoredRelease } from './types.ts';

/** The result of an action. `failed` without `stored`: there is nothing to remediate, and the action is tried again. */
export interface Acted {
  failed?: ActionFailure;
  stored: boolean;
}

/** Reports the action that is under way; the release isn't Ready meanwhile. */
export function announce(run: Run, action: TimedAction, { releases }: { releases: boolean }): void {
  const limit = formatDuration(timeoutMs(run.object, action));
  const message = `Running '${action}' action with timeout of ${limit}`;
  run.status.update((it) => asProgressing(it, message, releases ? message : undefined));
  run.status.show();
}

export async function release(
  run: Run,
  prepared: Prepared,
  action: 'install' | 'upgrade',
): Promise<Acted> {
  const { object, status } = run;
  const { chart, values } = prepared;
  const startedAt = performance.now();
  const before = status.report();
  status.set({
    lastAttemptedReleaseAction: action,
    ...(action === 'install' ? { history: undefined } : {}),
  });
  status.update((it) => dropStates(it, [TEST_SUCCESS, REMEDIATED]));
  const how = { action, ociDigest: chart.ociDigest };
  const { context, lines } = actionContext(run, prepared, action, (pending) => {
    remember(run, pending, afterRelease(status.fields().history ?? [], [pending], how));
  });
  const result = await run.cluster.actions[action]({ ...context, chart, values });
  const unread = unreadStorage(result);
  if (unread !== undefined) {
    status.update(() => before);
    throw stateError(`failed to retrieve last release from storage: ${messageOf(unread)}`, unread);
  }
  status.set({
    lastAttemptedReleaseActionDuration: formatDuration(performance.now() - startedAt),
    history: afterRelease(status.fields().history ?? [], result.releases, how),
  });
  keepInventory(run, result);
  const stored = result.releases.length > 0;
  if (result.failure !== undefined) {
    const message = say.releaseFailed(action, object, chart, result.failure.message);
    const reason = action === 'install' ? Reason.InstallFailed : Reason.UpgradeFailed;
    countFailure(run, stored ? action : undefined);
    status.update((it) => setState(it, RELEASED, { status: 'False', reason, message }));
    run.events.publish('error', reason, lines.behind(message), {
      revision: chart.metadata.version,
      token: values.digest,
      appVersion: chart.metadata.appVersion,
      ociDigest: chart.ociDigest,
    });
    status.update((it) => summarized(it, object));
    return { failed: result.failure, stored };
  }
  released(run, action);
  return { stored };
}

function released(run: Run, action: 'install' | 'upgrade'): void {
  const { env, object, status, events } = run;
  const current = currentOf(run);
  if (current === undefined) throw new Error(`an ${action} succeeded and stored nothing`);
  const message = say.releaseSucceeded(action, current);
  const reason = action === 'install' ? Reason.InstallSucceeded : Reason.UpgradeSucceeded;
  status.update((it) => setState(it, RELEASED, { status: 'True', reason, message }));
  if (object.spec.test?.enable && !isTested(current)) {
    const awaited = say.awaitingTests(current);
    status.update((it) =>
      setState(it, TEST_SUCCESS, {
        status: 'Unknown',
        reason: Reason.AwaitingTests,
        message: awaited,
      }),
    );
  }
  const byDefault = env.settings.gates.DefaultToRetryOnFailure;
  if (activeRetry(object, status.fields(), byDefault) !== undefined) clearFailures(run);
  events.publish('info', reason, message, subjectOf(current));
  status.update((it) => summarized(it, object));
}

export async function test(run: Run, prepared: Prepared): Promise<Acted> {
  const { object, status, events } = run;
  const { context } = actionContext(run, prepared, 'test');
  const result = await run.cluster.actions.test(context);
  const history = afterTests(
    status.fields().history ?? [],
    result.releases,
    object.spec.test?.filters,
  );
  status.set({ history });
  const current = latest(history);
  if (current === undefined) throw new Error('a release without a history was tested');
  const stored = isTested(current);
  if (result.failure !== undefined) {
    const message = say.testsFailed(current, result.failure.message);
    const remediation = activeRemediation(object, status.fields());
    const counts = stored && remediation !== undefined && !remediation.ignoreTestFailures;
    countFailure(run, counts ? status.fields().lastAttemptedReleaseAction : undefined);
    const failed = { status: 'False', reason: Reason.TestFailed, message } as const;
    status.update((it) => summarized(setState(it, TEST_SUCCESS, failed), object));
    events.publish('error', Reason.TestFailed, message, subjectOf(current));
    return { failed: result.failure, stored };
  }
  const message = say.testsSucceeded(current);
  const passed = { status: 'True', reason: Reason.TestSucceeded, message } as const;
  status.update((it) => summarized(setState(it, TEST_SUCCESS, passed), object));
  events.publish('info', Reason.TestSucceeded, message, subjectOf(current));
  return { stored: true };
}

export async function rollback(run: Run, prepared: Prepared, to: ReleaseSnapshot): Promise<Acted> {
  const { object, status, events } = run;
  const { chart, values } = prepared;
  const { context, lines } = actionContext(run, prepared, 'rollback', (pending) => {
    const history = status.fields().history ?? [];
    remember(run, pending, afterRemediation(history, [pending], 'rollback'));
  });
  const result = await run.cluster.actions.rollback({ ...context, chart, values }, to.version);
  const history = afterRemediation(status.fields().history ?? [], result.releases, 'rollback');
  status.set({ history });
  keepInventory(run, result);
  const subject = { ...subjectOf(to), token: prepared.values.digest };
  return remediated(run, result, {
    reasons: [Reason.RollbackSucceeded, Reason.RollbackFailed],
    succeeded: () => say.rollbackSucceeded(to),
    failed: (why) => say.rollbackFailed(to, why),
    behind: lines.behind,
    publish: (severity, reason, message) => events.publish(severity, reason, message, subject),
    summarize: () => status.update((it) => summarized(it, object)),
  });
}

/** Uninstalls a failed release, so that it is installed anew. Ready still has the failure. */
export async function uninstallFailed(run: Run, prepared: Prepared): Promise<Acted> {
  const { status, events } = run;
  const { context, lines } = actionContext(run, prepared, 'uninstall');
  const result = await run.cluster.actions.uninstall(context);
  const before = status.fields().history ?? [];
  const history = afterRemediation(before, result.releases, 'uninstall-remediation');
  status.set({ history });
  const current = latest(history);
  if (current === undefined) return { stored: result.releases.length > 0, ...failureOf(result) };
  return remediated(run, result, {
    reasons: [Reason.UninstallSucceeded, Reason.UninstallFailed],
    succeeded: () => say.remediationSucceeded(current),
    failed: (why) => say.remediationFailed(current, why),
    behind: lines.behind,
    publish: (severity, reason, message) =>
      events.publish(severity, reason, message, subjectOf(current)),
    summarize: () => undefined,
  });
}

interface RemediationWords {
  reasons: [succeeded: string, failed: string];
  succeeded(): string;
  failed(why: string): string;
  behind(message: string): string;
  publish(severity: 'info' | 'error', reason: string, message: string): void;
  summarize(): void;
}

function remediated(run: Run, result: ActionResult, words: RemediationWords): Acted {
  const [succeeded, failed] = words.reasons;
  const stored = result.releases.length > 0;
  if (result.failure !== undefined) {
    const message = words.failed(result.failure.message);
    countFailure(run, undefined);
    run.status.update((it) =>
      setState(it, REMEDIATED, { status: 'False', reason: failed, message }),
    );
    words.publish('error', failed, words.behind(message));
    words.summarize();
    return { failed: result.failure, stored };
  }
  const message = words.succeeded();
  run.status.update((it) =>
    setState(it, REMEDIATED, { status: 'True', reason: succeeded, message }),
  );
  words.publish('info', succeeded, message);
  words.summarize();
  return { stored };
}

/** Unlocks a release that a killed process left pending. */
export async function unlock(run: Run, prepared: Prepared, last: StoredRelease): Promise<Acted> {
  const { object, status, events } = run;
  const { context } = actionContext(run, prepared);
  const result = await run.cluster.actions.unlock(context, last);
  status.set({ history: afterUnlock(status.fields().history ?? [], result.releases) });
  const snapshot = snapshotOf(last, {});
  const reason = Reason.PendingRelease;
  const { failure } = result;
  const message =
    failure === undefined
      ? say.unlockSucceeded(snapshot, last.info.status)
      : say.unlockFailed(snapshot, last.info.status, failure.message);
  if (failure !== undefined) countFailure(run, undefined);
  status.update((it) =>
    summarized(setState(it, RELEASED, { status: 'False', reason, message }), object),
  );
  events.publish(failure === undefined ? 'info' : 'error', reason, message, subjectOf(snapshot));
  return { stored: failure === undefined, ...failureOf(result) };
}

/**
 * Writes a pending version to the status, if its action takes longer than a moment. If this process is killed
 * meanwhile, the next one knows the version as its own and continues from there, with the previous versions as targets
 * for a rollback.
 */
function remember({ status }: Run, { info }: StoredRelease, history: ReleaseSnapshot[]): void {
  if (!info.status.startsWith('pending-')) return;
  status.set({ history });
  status.show();
}

function keepInventory({ status, events }: Run, { inventory, warnings }: ActionResult): void {
  if (inventory !== undefined) status.set({ inventory: { entries: inventory } });
  if (warnings.length === 0) return;
  events.publish('error', Reason.NamespaceCheckSkipped, warnings.join('; '));
}

/** The reason why the action could not even read the storage: the account has just lost its rights. */
function unreadStorage({ releases, failure }: ActionResult): unknown {
  if (releases.length > 0) return undefined;
  return findCause(
    failure?.cause,
    (cause) => isForbidden(cause) && /sh\.helm\.release\./.test(messageOf(cause)),
  );
}

function failureOf({ failure }: ActionResult): Pick<Acted, 'failed'> {
  return failure === undefined ? {} : { failed: failure };
}

/** The present message of Ready. */
export function readyMessage({ status }: Run): string {
  return status.condition(READY)?.message ?? '';
}
