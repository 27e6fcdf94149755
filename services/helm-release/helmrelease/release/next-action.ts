// Decides what to do next with a release: a pure function from its state, its history and its counters to an action.
import { type HelmRelease, Reason, type ReleaseSnapshot } from '@weir/api';
import { newestOnly, previousGood, truncated } from './history.ts';
import { activeRemediation, activeRetry, remediationOf } from './remediation.ts';
import type { ReleaseState, WorkingStatus } from './state.ts';

export type Next = {
  /** The history that remains before the action; left out when all of it does. */
  history?: ReleaseSnapshot[];
  /** For the log. */
  why: string;
} & (
  | { action: 'install' | 'upgrade' | 'test' | 'unlock' | 'uninstall' }
  | { action: 'rollback'; to: ReleaseSnapshot }
  /** The release matches the spec; drift is looked for next. */
  | { action: 'none' }
  /** The release is stalled: nothing is tried until something changes. */
  | { action: 'stall'; reason: string; message: string }
);

export interface Circumstances {
  /** A release was requested whatever the state is (`reconcile.fluxcd.io/forceAt`). */
  forced: boolean;
  /** If the spec chooses no strategy, failures are retried and not remediated. */
  retryByDefault: boolean;
  /** Whether storage has the version that the snapshot describes. */
  isIntact(snapshot: ReleaseSnapshot): boolean;
}

/** Flux's decisions, in Flux's order. */
export function nextAction(
  object: HelmRelease,
  status: WorkingStatus,
  { name, reason }: ReleaseState,
  circumstances: Circumstances,
): Next {
  const { forced } = circumstances;
  switch (name) {
    case 'Locked':
      return { action: 'unlock', why: `release locked: ${reason}` };
    case 'Uninstalling':
      return { action: 'uninstall', why: reason };
    case 'Absent':
      if (forced) return { action: 'install', why: 'requested through annotation' };
      return remediationOf(object, 'install', status).exhausted
        ? retriesExceeded(object, status)
        : { action: 'install', why: reason };
    case 'Unmanaged':
      // The history is about another release.
      return { action: 'upgrade', history: [], why: `release not managed: ${reason}` };
    case 'OutOfSync':
      if (forced) return { action: 'upgrade', why: 'requested through annotation' };
      return remediationOf(object, 'upgrade', status).exhausted
        ? retriesExceeded(object, status)
        : { action: 'upgrade', why: `release out of sync: ${reason}` };
    case 'Untested':
      return { action: 'test', why: 'release has not been tested' };
    case 'Failed':
      return afterFailure(object, status, circumstances);
    case 'InSync': {
      const history = keptInSync(object, status, circumstances);
      return forced
        ? { action: 'upgrade', history, why: 'requested through annotation' }
        : { action: 'none', history, why: 'release in sync' };
    }
  }
}

/**
 * The previous successful release is kept too: tests that are enabled later may fail, and then it is the target of the
 * rollback.
 */
function keptInSync(
  object: HelmRelease,
  status: WorkingStatus,
  { retryByDefault }: Circumstances,
): ReleaseSnapshot[] {
  const history = status.history ?? [];
  if (activeRetry(object, status, retryByDefault) !== undefined) return newestOnly(history);
  const ignoreTests =
    activeRemediation(object, status)?.ignoreTestFailures ??
    object.spec.test?.ignoreFailures ??
    false;
  return truncated(history, ignoreTests);
}

function afterFailure(
  object: HelmRelease,
  status: WorkingStatus,
  { forced, retryByDefault, isIntact }: Circumstances,
): Next {
  const history = status.history ?? [];
  const retry = activeRetry(object, status, retryByDefault);
  if (retry !== undefined) {
    if (retry.exhausted && !forced) return retriesExceeded(object, status);
    return { action: 'upgrade', history: newestOnly(history), why: 'retry of a failed release' };
  }
  const remediation = activeRemediation(object, status);
  if (remediation === undefined) return { action: 'upgrade', why: 'no active remediation' };
  if (remediation.failures <= 0) {
    return { action: 'upgrade', why: 'something has changed since the last failure' };
  }
  if (forced) return { action: 'upgrade', why: 'requested through annotation' };
  if (remediation.exhausted && !remediation.remediateLastFailure) {
    return retriesExceeded(object, status);
  }
  const kept = truncated(history, remediation.ignoreTestFailures);
  if (remediation.strategy === 'uninstall') {
    return { action: 'uninstall', history: kept, why: 'remediation of a failed release' };
  }
  const to = previousGood(kept, remediation.ignoreTestFailures);
  if (to === undefined) {
    const message =
      'Failed to perform remediation: missing target release for rollback: cannot remediate failed release';
    return {
      action: 'stall',
      reason: Reason.MissingRollbackTarget,
      message,
      history: kept,
      why: 'nothing to go back to',
    };
  }
  if (!isIntact(to)) {
    return { action: 'upgrade', history: kept, why: 'the release to go back to was changed' };
  }
  return { action: 'rollback', to, history: kept, why: 'remediation of a failed release' };
}

function retriesExceeded(object: HelmRelease, status: WorkingStatus): Next {
  return { action: 'stall', ...exceeded(object, status), why: 'no retry is left' };
}

/** The message when no retry is left. */
export function exceeded(
  object: HelmRelease,
  status: WorkingStatus,
): { reason: string; message: string } {
  const {
    lastAttemptedReleaseAction: action = '',
    installFailures = 0,
    upgradeFailures = 0,
  } = status;
  const counted = activeRetry(object, status, false)?.failures;
  const failures = counted ?? (action === 'install' ? installFailures : upgradeFailures);
  const message = `Failed to ${action} after ${failures} attempt(s)`;
  return { reason: Reason.RetriesExceeded, message };
}
