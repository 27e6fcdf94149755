// Makes an artifact once for all objects that want the same.
import { FETCH_FAILED, Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import type { ArtifactStore, Packed } from '@weir/artifact';
import { createBoundedMap, createSingleFlight } from '@weir/async';
import { Failure, messageOf } from '@weir/reconcile';
import type { Tracing } from '@weir/telemetry';
import { isArtifactLost } from './artifacts.ts';

/** An artifact in the store. */
export interface Snapshot {
  digest: string;
  /** Bytes. */
  size: number;
}

/** Snapshots that are remembered. */
const REMEMBERED = 1_000;

/**
 * Makes a snapshot, unless one with the same key is being made or was made recently and is still in the store.
 * @returns a function of the key, which represents everything that decides the contents, and of the work that stores
 * them
 */
export function createSnapshots<T extends Snapshot>(
  store: ArtifactStore,
): (key: string, make: () => Promise<T>) => Promise<T> {
  const share = createSingleFlight<T>();
  const recent = createBoundedMap<string, T>({ max: REMEMBERED });
  return (key, make) =>
    share(key, async () => {
      const before = recent.get(key);
      if (before !== undefined && !(await isArtifactLost(store, before))) return before;
      const snapshot = await make();
      recent.set(key, snapshot);
      return snapshot;
    });
}

/**
 * Puts an archive into the store, where it counts towards the share of the namespace that asked first.
 * @throws Failure ArchiveOperationFailed
 */
export async function putArchive(
  packed: Packed,
  { tenant, store, tracing }: { tenant: string; store: ArtifactStore; tracing: Tracing },
): Promise<Snapshot> {
  const { digest, size } = packed;
  await tracing.span('store', { attributes: { 'artifact.size': size } }, () =>
    store.put(packed, tenant).catch((cause: unknown) => {
      throw archiveFailure(cause);
    }),
  );
  return { digest, size };
}

/** The failure of making or storing an archive. */
export function archiveFailure(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const message = `unable to archive artifact to storage: ${messageOf(cause)}`;
  const condition = STORAGE_OPERATION_FAILED;
  return new Failure(Reason.ArchiveOperationFailed, message, { condition, cause });
}

/** The failure of fetching from the remote. */
export function fetchFailure(reason: string, message: string, cause?: unknown): Failure {
  return new Failure(reason, message, { condition: FETCH_FAILED, cause });
}
