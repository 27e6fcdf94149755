// Helm's storage of one release: a Secret for each version, in the form that the helm CLI and Flux's helm-controller
// read too.
import { isAlreadyExists, isApiError, isForbidden, isNotFound, Secret } from '@weir/kube';
import type { KnownStorage } from './known-storage.ts';
import { changedRevision, summaryOf } from './revision.ts';
import {
  changedSecret,
  newSecret,
  type ReleaseSecret,
  secretName,
  type VersionLabels,
  versionLabels,
  versionSelector,
} from './secret.ts';
import type { OpenStorageOptions, Revision, StoredRelease, VersionStorage } from './types.ts';

/** A write to storage that failed. The message is Helm's. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly reason = 'StorageFailed';
}

export function openStorage(
  known: Omit<KnownStorage, 'close'>,
  options: OpenStorageOptions,
): VersionStorage {
  const { cluster, pool, target, tenant, reader, fresh, signal } = options;
  const { client } = cluster;
  const { namespace, name } = target;
  const place = { namespace, name, reader };
  const call = signal === undefined ? {} : { signal };
  const engine = { tenant, ...call };

  let mustAsk = fresh ?? false;

  async function versions(): Promise<VersionLabels[]> {
    const found = mustAsk ? undefined : known.versions(place);
    if (found !== undefined) return found;
    const selection = { namespace, labelSelector: versionSelector(name), metadataOnly: true };
    const list = await client.list(Secret, { ...selection, ...call }).catch((error: unknown) => {
      if (isForbidden(error)) known.refused(place);
      return unreadable(error);
    });
    mustAsk = false;
    known.listed(place, list);
    return list.items
      .flatMap((secret) => versionLabels(secret, name) ?? [])
      .sort((a, b) => b.version - a.version);
  }
  async function load(version: number): Promise<Revision | undefined> {
    const ref = { namespace, name: secretName(name, version) };
    const secret = await client.get<ReleaseSecret>(Secret, ref, call).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (secret === undefined) return undefined;
    known.observe(secret);
    const payload = secret.data?.release ?? '';
    const ociDigest = target.ociDigestOf(version);
    const decoded = await pool.helmDecode({ payload, objects: true, ociDigest }, engine);
    const { digest, bytes: _bytes, ...content } = decoded;
    const { labels = {}, resourceVersion = '' } = secret.metadata;
    const revision = { content, payload, digest, ociDigest, labels, resourceVersion };
    known.put(place, summaryOf(revision), revision);
    return revision;
  }
  async function summary(version: number): Promise<StoredRelease | undefined> {
    if (mustAsk) await versions();
    const found = known.summary(place, version, target.ociDigestOf(version));
    if (found !== undefined) return found;
    const revision = await load(version);
    return revision && summaryOf(revision);
  }
  function written(revision: Revision, secret: ReleaseSecret): Revision {
    const { resourceVersion = '' } = secret.metadata;
    known.observe(secret);
    known.put(place, summaryOf(revision), { ...revision, resourceVersion });
    return { ...revision, resourceVersion };
  }
  function contentOf({ content, payload, labels }: Revision) {
    const { version, info } = content;
    return { namespace, name, version, status: info.status, payload, labels };
  }

  return {
    namespace,
    name,
    versions,
    load,
    async last() {
      const [highest] = await versions();
      return highest && summary(highest.version);
    },
    get: summary,
    async create(revision) {
      try {
        const secret = newSecret(contentOf(revision), Date.now());
        return written(revision, await client.create(Secret, secret, call));
      } catch (cause) {
        if (isAlreadyExists(cause)) throw new StorageError('release: already exists', { cause });
        if (!isApiError(cause)) throw cause;
        throw new StorageError(`create: failed to create: ${cause.message}`, { cause });
      }
    },
    async update(revision, change) {
      const { payload, ociDigest } = revision;
      const { info, hooks = [], hookOrder } = change;
      const ran = hooks.map(({ index, lastRun }) => ({ index, lastRun }));
      const request = { payload, info, hooks: ran, hookOrder, ociDigest };
      const encoded = await pool.helmUpdate(request, engine);
      const changed = changedRevision(revision, change, encoded);
      const { resourceVersion } = revision;
      try {
        const secret = changedSecret({ ...contentOf(changed), resourceVersion }, Date.now());
        return written(changed, await client.replace(Secret, secret, call));
      } catch (cause) {
        if (!isApiError(cause)) throw cause;
        throw new StorageError(`update: failed to update: ${cause.message}`, { cause });
      }
    },
    async remove(version) {
      const ref = { namespace, name: secretName(name, version) };
      try {
        await client.delete(Secret, ref, call);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      known.forget(place, version);
    },
  };
}

/**
 * The error of a failed list, with Helm's message. The caller finds out by `cause` whether the API server can be
 * reached.
 */
function unreadable(cause: unknown): never {
  if (!isApiError(cause)) throw cause;
  throw new StorageError(`query: failed to query with labels: ${cause.message}`, { cause });
}
