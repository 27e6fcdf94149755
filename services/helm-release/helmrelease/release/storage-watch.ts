// Knows from one watch of metadata over all namespaces which versions Helm's storage has, so that the API server need
// not be asked while nothing changes.
import { isForbidden, type KubeClient, type KubeObject, type ObjectList, Secret } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { HELM_SELECTOR, type VersionLabels, versionLabels } from './secret.ts';

export interface StorageWatch {
  /** The versions of a release, the highest first; undefined while the watch is not up to date. */
  versions(namespace: string, name: string): VersionLabels[] | undefined;
  /** Records what was just written, before the watch shows it. */
  observe(secret: KubeObject): void;
  /** Records a list of all versions of a release, which may be newer than what the watch has shown. */
  listed(release: { namespace: string; name: string }, list: ObjectList<KubeObject>): void;
  /** Records that a version was just deleted, before the watch shows it. */
  forget(release: { namespace: string; name: string }, version: number): void;
  close(): Promise<void>;
}

/** One Secret; it takes about 150 bytes. */
interface Seen extends VersionLabels {
  uid: string;
  /** It was deleted and the watch has yet to show that: earlier events about it are ignored. */
  isGone?: boolean;
}

export function watchStorage(client: KubeClient, log: Logger): StorageWatch {
  const stop = new AbortController();
  /** By namespace and name of the release, then by version. */
  const releases = new Map<string, Map<number, Seen>>();
  let isSynced = false;

  function put(secret: KubeObject): void {
    const { key, seen } = seenIn(secret);
    if (seen === undefined) return;
    const versions = releases.get(key) ?? new Map<number, Seen>();
    const before = versions.get(seen.version);
    if (before !== undefined && !isNewer(seen, before)) return;
    releases.set(key, versions.set(seen.version, seen));
  }
  function remove(secret: KubeObject): void {
    const { key, seen } = seenIn(secret);
    const versions = releases.get(key);
    // A late event of a Secret is ignored when a later one of the same name was seen already.
    if (seen === undefined || versions?.get(seen.version)?.uid !== seen.uid) return;
    versions.delete(seen.version);
    if (versions.size === 0) releases.delete(key);
  }
  async function follow(): Promise<void> {
    const { signal } = stop;
    const selection = { labelSelector: HELM_SELECTOR, metadataOnly: true, signal };
    for await (const event of client.listWatch(Secret, selection)) {
      if (event.type === 'synced') isSynced = true;
      else if (event.type === 'error') {
        const { error } = event;
        if (isForbidden(error)) isSynced = false;
        log.warn({ err: error }, "watch of Helm's storage");
      } else {
        const { object } = event;
        if (event.type === 'deleted') remove(object);
        else put(object);
      }
    }
  }

  const ended = follow().catch((err: unknown) => {
    isSynced = false;
    if (!stop.signal.aborted) log.error({ err }, "watch of Helm's storage ended");
  });
  return {
    versions(namespace, name) {
      if (!isSynced) return undefined;
      const versions = [...(releases.get(`${namespace}/${name}`)?.values() ?? [])];
      return versions.filter(({ isGone }) => !isGone).sort((a, b) => b.version - a.version);
    },
    observe: put,
    listed({ namespace, name }, { items, resourceVersion }) {
      for (const secret of items) put(secret);
      const there = new Set(items.map(({ metadata }) => metadata.uid));
      for (const seen of releases.get(`${namespace}/${name}`)?.values() ?? []) {
        const isOlder = BigInt(seen.resourceVersion || 0) <= BigInt(resourceVersion || 0);
        if (isOlder && !there.has(seen.uid)) seen.isGone = true;
      }
    },
    forget({ namespace, name }, version) {
      const seen = releases.get(`${namespace}/${name}`)?.get(version);
      if (seen !== undefined) seen.isGone = true;
    },
    async close() {
      stop.abort();
      await ended;
    },
  };
}

function seenIn(secret: KubeObject): { key: string; seen: Seen | undefined } {
  const { namespace = '', labels = {}, uid = '' } = secret.metadata;
  const { name = '' } = labels;
  const found = versionLabels(secret, name);
  return { key: `${namespace}/${name}`, seen: found && { ...found, uid } };
}

/**
 * With another UID it is another Secret. Only the same one is compared by version, because versions go back when a
 * cluster is restored from a backup.
 */
function isNewer(now: Seen, before: Seen): boolean {
  if (now.uid !== before.uid) return true;
  const isLater = BigInt(now.resourceVersion || 0) > BigInt(before.resourceVersion || 0);
  return isLater && !before.isGone;
}
