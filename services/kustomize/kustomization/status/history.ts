// `status.history`: the last states that were applied, the newest first.
import { formatDuration, formatTime, type HistorySnapshot } from '@weir/api';

const MAX_SNAPSHOTS = 5;

export interface Attempt {
  /** Digest of the built manifests. */
  digest: string;
  /** Reason of the Ready condition at its end. */
  status: string;
  startedAt: Date;
  durationMs: number;
  metadata: Record<string, string>;
}

/**
 * Adds an attempt. When an entry with the same digest and status exists, it is counted there, and the entry moves to
 * the front.
 */
export function upsertHistory(
  history: readonly HistorySnapshot[],
  { digest, status, startedAt, durationMs, metadata }: Attempt,
): HistorySnapshot[] {
  const isSame = (snapshot: HistorySnapshot) =>
    snapshot.digest === digest && snapshot.lastReconciledStatus === status;
  const known = history.find(isSame);
  const lastReconciled = formatTime(new Date(startedAt.getTime() + durationMs));
  const snapshot: HistorySnapshot = {
    digest,
    firstReconciled: known?.firstReconciled ?? lastReconciled,
    lastReconciled,
    lastReconciledDuration: formatDuration(durationMs),
    lastReconciledStatus: status,
    totalReconciliations: (known?.totalReconciliations ?? 0) + 1,
    metadata,
  };
  return [snapshot, ...history.filter((entry) => !isSame(entry))].slice(0, MAX_SNAPSHOTS);
}

/** Whether the newest entry differs from the attempt only in time and number. */
export function isRepeated(history: readonly HistorySnapshot[], attempt: Attempt): boolean {
  const [latest] = history;
  return (
    latest?.digest === attempt.digest &&
    latest.lastReconciledStatus === attempt.status &&
    JSON.stringify(latest.metadata) === JSON.stringify(attempt.metadata)
  );
}
