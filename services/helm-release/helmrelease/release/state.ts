// What state a release is in: what Helm's storage holds, beside what was seen there last and what the spec says now.
import { type HelmRelease, type HelmReleaseStatus, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';
import { commonMetadataDigest, postRenderersDigest } from './digests.ts';
import { hasFailedTest, isTested, isVerified, latest } from './history.ts';
import { activeRemediation } from './remediation.ts';
import type { StoredRelease } from './types.ts';

/** The states of Flux, and `Uninstalling`: an uninstall that was begun is to be ended. */
export type StateName =
  | 'Absent'
  | 'Unmanaged'
  | 'Locked'
  | 'Uninstalling'
  | 'Failed'
  | 'OutOfSync'
  | 'Untested'
  | 'InSync';

export interface ReleaseState {
  name: StateName;
  /** Why, in a few words for the log. */
  reason: string;
}

/** What was found. */
export interface Observed {
  /** The last version in storage. */
  last: StoredRelease | undefined;
  /** The chart that is to be released. */
  chart: { name: string; version: string };
  /** Digest of the values that are to be released. */
  configDigest: string;
  /** Digest of the values that the present release was asked for with, where that is known. */
  releasedDigest?: string | undefined;
}

export type WorkingStatus = Omit<HelmReleaseStatus, 'conditions' | 'lastHandledReconcileAt'>;

/** Storage holds something that no action leads away from. */
export class UnknownState extends Error {
  override name = 'UnknownState';
  readonly reason = 'StateError';
}

/** Throws UnknownState for a status of Helm's that says nothing. */
export function releaseState(
  object: HelmRelease,
  status: WorkingStatus,
  { last, chart, configDigest, releasedDigest }: Observed,
): ReleaseState {
  if (last === undefined) return { name: 'Absent', reason: 'no release in storage for object' };
  const { status: stored } = last.info;
  if (stored.startsWith('pending-')) {
    return { name: 'Locked', reason: `release with status '${stored}'` };
  }
  if (stored === 'uninstalling') {
    return { name: 'Uninstalling', reason: 'an uninstall was begun and not ended' };
  }
  const absent = { name: 'Absent', reason: 'found uninstalled release in storage' } as const;
  const current = latest(status.history ?? []);
  if (current === undefined) {
    if (stored === 'uninstalled') return absent;
    return { name: 'Unmanaged', reason: 'found existing release in storage' };
  }
  if (!isVerified(current, last)) {
    return { name: 'Unmanaged', reason: 'release not observed to be made for object' };
  }
  switch (stored) {
    case 'failed':
      return { name: 'Failed', reason: '' };
    case 'uninstalled':
      return absent;
    case 'deployed':
      break;
    default:
      throw new UnknownState(`unable to determine state for release with status '${stored}'`);
  }
  const changed = changeOf(object, status, { last, chart, configDigest, releasedDigest });
  if (changed !== undefined) return { name: 'OutOfSync', reason: changed };
  return testState(object, status) ?? { name: 'InSync', reason: '' };
}

/** What about the release isn't as the spec says; undefined where all is. */
function changeOf(
  { spec, metadata }: HelmRelease,
  status: WorkingStatus,
  { last, chart, configDigest, releasedDigest }: Observed & { last: StoredRelease },
): string | undefined {
  if (last.chart.name !== chart.name || last.chart.version !== chart.version) {
    return 'release chart changed';
  }
  // Where values are kept under the new ones, a release has others than it was asked for with.
  const isAskedFor = spec.upgrade?.preserveValues === true && releasedDigest === configDigest;
  if (latest(status.history ?? [])?.configDigest !== configDigest && !isAskedFor) {
    return 'release config values changed';
  }
  // As in Flux, these two count with a new generation only.
  if (status.observedGeneration === metadata.generation) return undefined;
  if (postRenderersDigest(spec) !== (status.observedPostRenderersDigest ?? '')) {
    return 'postrenderers digest has changed';
  }
  if (commonMetadataDigest(spec) !== (status.observedCommonMetadataDigest ?? '')) {
    return 'common metadata digest has changed';
  }
  return undefined;
}

/** Tests count as the snapshot says, since people may run them with the helm CLI as well. */
function testState(object: HelmRelease, status: WorkingStatus): ReleaseState | undefined {
  if (!object.spec.test?.enable) return undefined;
  const current = latest(status.history ?? []);
  if (current === undefined || !isTested(current)) {
    return { name: 'Untested', reason: '' };
  }
  const remediation = activeRemediation(object, status);
  if (remediation !== undefined && !remediation.ignoreTestFailures && hasFailedTest(current)) {
    return { name: 'Failed', reason: 'release has test in failed phase' };
  }
  return undefined;
}

/** Ends a run that can't find out what there is; the next one looks again. */
export function stateError(why: string, cause: unknown): Failure {
  const message = `Could not determine release state: ${why}`;
  return new Failure(Reason.StateError, message, { cause, backoff: true, event: 'none' });
}
