// Flux's messages about actions, for conditions and events.
import type { HelmRelease, ReleaseSnapshot } from '@weir/api';
import type { LoadedChart } from '../actions/types.ts';
import { chartLabel, releaseLabel } from './history.ts';
import { fullReleaseName, releaseTarget } from './names.ts';

export function releaseSucceeded(action: 'install' | 'upgrade', snapshot: ReleaseSnapshot): string {
  return `Helm ${action} succeeded for ${labels(snapshot)}`;
}

export function releaseFailed(
  action: 'install' | 'upgrade',
  object: HelmRelease,
  { metadata }: Pick<LoadedChart, 'metadata'>,
  why: string,
): string {
  const release = `${releaseTarget(object).namespace}/${fullReleaseName(object)}`;
  const chart = `${metadata.name}@${metadata.version}`;
  return `Helm ${action} failed for release ${release} with chart ${chart}: ${why.trim()}`;
}

export function awaitingTests(snapshot: ReleaseSnapshot): string {
  return `Helm ${labels(snapshot)} is awaiting tests`;
}

export function testsSucceeded(snapshot: ReleaseSnapshot): string {
  const count = Object.keys(snapshot.testHooks ?? {}).length;
  const hooks =
    count === 0
      ? 'no test hooks'
      : `${count} test ${count > 1 ? 'hooks' : 'hook'} completed successfully`;
  return `Helm test succeeded for ${labels(snapshot)}: ${hooks}`;
}

export function testsFailed(snapshot: ReleaseSnapshot, why: string): string {
  return `Helm test failed for ${labels(snapshot)}: ${why.trim()}`;
}

export function rollbackSucceeded(to: ReleaseSnapshot): string {
  return `Helm rollback to previous ${labels(to)} succeeded`;
}

export function rollbackFailed(to: ReleaseSnapshot, why: string): string {
  return `Helm rollback to previous ${labels(to)} failed: ${why.trim()}`;
}

export function remediationSucceeded(snapshot: ReleaseSnapshot): string {
  return `Helm uninstall remediation for ${labels(snapshot)} succeeded`;
}

export function remediationFailed(snapshot: ReleaseSnapshot, why: string): string {
  return `Helm uninstall remediation for ${labels(snapshot)} failed: ${why.trim()}`;
}

export function uninstallSucceeded(snapshot: ReleaseSnapshot): string {
  return `Helm uninstall succeeded for ${labels(snapshot)}`;
}

export function uninstallFailed(snapshot: ReleaseSnapshot, why: string): string {
  return `Helm uninstall failed for ${labels(snapshot)}: ${why.trim()}`;
}

export function unlockSucceeded(snapshot: ReleaseSnapshot, status: string): string {
  return `Unlocked Helm ${labels(snapshot)} in ${status} state`;
}

export function unlockFailed(snapshot: ReleaseSnapshot, status: string, why: string): string {
  return `Unlock of Helm ${labels(snapshot)} in ${status} state failed: ${why.trim()}`;
}

function labels(snapshot: ReleaseSnapshot): string {
  return `release ${releaseLabel(snapshot)} with chart ${chartLabel(snapshot)}`;
}
