// Counts the failures of a release since something changed.
import type { BaseRun } from '../run.ts';

/** Counts a failure. `action` is the one whose remediation it counts for. */
export function countFailure(
  { status }: Pick<BaseRun, 'status'>,
  action: 'install' | 'upgrade' | undefined,
): void {
  const { failures = 0, installFailures = 0, upgradeFailures = 0 } = status.fields();
  status.set({
    failures: failures + 1,
    ...(action === 'install' ? { installFailures: installFailures + 1 } : {}),
    ...(action === 'upgrade' ? { upgradeFailures: upgradeFailures + 1 } : {}),
  });
}

export function clearFailures({ status }: Pick<BaseRun, 'status'>): void {
  status.set({ failures: undefined, installFailures: undefined, upgradeFailures: undefined });
}

/** Why the failures are counted from 0 again, for the log; undefined if they aren't. */
export function resetReason(
  { object, status }: Pick<BaseRun, 'object' | 'status'>,
  attempt: { revision: string; configDigest: string; resetRequested: boolean },
): string | undefined {
  const { lastAttemptedGeneration, lastAttemptedRevision, lastAttemptedConfigDigest } =
    status.fields();
  if (lastAttemptedGeneration !== object.metadata.generation) return 'generation changed';
  if (lastAttemptedRevision !== attempt.revision) return 'chart version changed';
  const hasDigest = lastAttemptedConfigDigest !== undefined && lastAttemptedConfigDigest !== '';
  if (hasDigest && lastAttemptedConfigDigest !== attempt.configDigest) return 'values changed';
  return attempt.resetRequested ? 'requested through annotation' : undefined;
}
