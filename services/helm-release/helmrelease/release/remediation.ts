// What the spec says about failures of the last attempted action.
import type { HelmRelease, HelmReleaseStatus } from '@weir/api';
import { retryIntervalMs } from './names.ts';

export type Counters = Pick<
  HelmReleaseStatus,
  'lastAttemptedReleaseAction' | 'failures' | 'installFailures' | 'upgradeFailures'
>;

export interface Remediation {
  retries: number;
  strategy: 'rollback' | 'uninstall';
  remediateLastFailure: boolean;
  ignoreTestFailures: boolean;
  /** Failures that are in Helm's storage, since something changed. */
  failures: number;
  /** Whether no attempt is left. */
  exhausted: boolean;
}

/** Remediation of failed installs or upgrades. */
export function remediationOf(
  { spec }: Pick<HelmRelease, 'spec'>,
  action: 'install' | 'upgrade',
  { installFailures = 0, upgradeFailures = 0 }: Counters,
): Remediation {
  const { retries = 0, remediateLastFailure, ignoreTestFailures } = spec[action]?.remediation ?? {};
  const failures = action === 'install' ? installFailures : upgradeFailures;
  return {
    retries,
    strategy:
      action === 'install' ? 'uninstall' : (spec.upgrade?.remediation?.strategy ?? 'rollback'),
    remediateLastFailure: remediateLastFailure ?? (action === 'upgrade' && retries > 0),
    ignoreTestFailures: ignoreTestFailures ?? spec.test?.ignoreFailures ?? false,
    failures,
    exhausted: retries >= 0 && failures > retries,
  };
}

/** The remediation of the last attempted action; undefined if there was none. */
export function activeRemediation(
  object: Pick<HelmRelease, 'spec'>,
  counters: Counters,
): Remediation | undefined {
  const { lastAttemptedReleaseAction: action } = counters;
  return action === undefined ? undefined : remediationOf(object, action, counters);
}

export interface Retry {
  intervalMs: number;
  /** Whether the limit that `remediation.retries` sets is reached, if the spec has one. */
  exhausted: boolean;
  failures: number;
}

/**
 * The strategy `RetryOnFailure` of the last attempted action; undefined if it isn't chosen. `byDefault`: it is used if
 * the spec chooses none (Flux's gate DefaultToRetryOnFailure).
 */
export function activeRetry(
  { spec }: Pick<HelmRelease, 'spec'>,
  counters: Counters,
  byDefault: boolean,
): Retry | undefined {
  const { lastAttemptedReleaseAction: action } = counters;
  if (action === undefined) return undefined;
  const { strategy, remediation } = spec[action] ?? {};
  const retries = strategy === undefined ? byDefault : strategy.name === 'RetryOnFailure';
  if (!retries) return undefined;
  const { installFailures = 0, upgradeFailures = 0 } = counters;
  const failures = installFailures + upgradeFailures;
  const limit = remediation?.retries ?? -1;
  return {
    intervalMs: retryIntervalMs(strategy?.retryInterval),
    exhausted: limit >= 0 && failures > limit,
    failures,
  };
}
