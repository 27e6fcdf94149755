import type { StoredArtifact } from './blobs.ts';
import { ArtifactError } from './errors.ts';

/** Counts what each namespace has in the store, so that none can fill it. */
export interface NamespaceShares {
  /** Rejects with ArtifactError (StorageQuotaExceeded) when an artifact of `bytes` would exceed the namespace's share. */
  check(namespace: string, digest: string, bytes: number): Promise<void>;
  /** Notes what was stored. */
  add(namespace: string, digest: string, bytes: number): void;
}

/** How old the list may be, in ms: by what other replicas store in that time, a share may be exceeded. */
const FRESH_MS = 30_000;

/**
 * Counts the artifacts in `list`, and those that were added since, by namespace. An artifact of several namespaces
 * counts for each of them.
 */
export function createNamespaceShares(options: {
  /** Bytes. */
  max: number;
  list(): Promise<StoredArtifact[]>;
}): NamespaceShares {
  const { max, list } = options;
  let usage = new Map<string, Map<string, number>>();
  let listedAt = Number.NEGATIVE_INFINITY;

  function add(namespace: string, digest: string, bytes: number): void {
    const digests = usage.get(namespace) ?? new Map<string, number>();
    usage.set(namespace, digests.set(digest, bytes));
  }

  async function refresh(): Promise<void> {
    if (performance.now() - listedAt < FRESH_MS) return;
    const stored = await list();
    listedAt = performance.now();
    usage = new Map();
    for (const { digest, stored: bytes, namespaces } of stored) {
      for (const namespace of namespaces) add(namespace, digest, bytes);
    }
  }

  return {
    add,
    async check(namespace, digest, bytes) {
      if (max === Number.POSITIVE_INFINITY) return;
      await refresh();
      const digests = usage.get(namespace) ?? new Map<string, number>();
      if (digests.has(digest)) return;
      const used = [...digests.values()].reduce((sum, size) => sum + size, 0);
      if (used + bytes <= max) return;
      throw new ArtifactError(
        'StorageQuotaExceeded',
        `the artifacts of namespace ${namespace} take ${used} of the ${max} bytes that a namespace may have, and this one needs ${bytes}: make it smaller with spec.ignore, or wait until older revisions are removed (--namespace-max-bytes of source is the limit)`,
        { transient: true },
      );
    },
  };
}
