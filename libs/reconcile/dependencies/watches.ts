// While an object waits for dependencies of other kinds, each of them is watched (metadata only, with the rights of the
// account that the object acts as), so that the object runs as soon as one has changed.
import type { DiscoveredResource, KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';

/** One object to watch. */
export interface WatchTarget {
  type: DiscoveredResource;
  /** Undefined for a kind without namespaces. */
  namespace: string | undefined;
  name: string;
  /** The version that was read; undefined if the object didn't exist. */
  resourceVersion?: string | undefined;
}

/** Keys are those of the objects that wait. */
export interface DependencyWatches {
  /** Watches these for the object, and nothing that it waited for before. */
  wait(key: string, client: KubeClient, targets: readonly WatchTarget[]): void;
  /** The object no longer waits. */
  done(key: string): void;
  /** The objects that wait. */
  keys(): string[];
  /** Calls back when a dependency of an object has changed; returns a function that ends the subscription. */
  onChange(listener: (key: string) => void): () => void;
  close(): void;
}

/** Watches for one object. Further dependencies are checked again after a while. */
const MAX_WATCHES = 20;

export function createDependencyWatches(log: Logger): DependencyWatches {
  const listeners = new Set<(key: string) => void>();
  const waits = new Map<string, AbortController>();

  function done(key: string): void {
    waits.get(key)?.abort();
    waits.delete(key);
  }

  async function follow(
    key: string,
    client: KubeClient,
    { type, namespace, name, resourceVersion }: WatchTarget,
    signal: AbortSignal,
  ): Promise<void> {
    const selection = {
      ...(namespace === undefined ? {} : { namespace }),
      fieldSelector: `metadata.name=${name}`,
      metadataOnly: true,
      signal,
    };
    for await (const event of client.listWatch(type, selection)) {
      if (event.type === 'synced') continue;
      // An account that may read an object need not have the right to watch it. Then the dependency is checked again
      // after a while.
      if (event.type === 'error') return;
      if (event.object.metadata.resourceVersion === resourceVersion) continue;
      for (const listener of listeners) listener(key);
    }
  }

  return {
    wait(key, client, targets) {
      done(key);
      if (targets.length === 0) return;
      const stop = new AbortController();
      waits.set(key, stop);
      for (const target of targets.slice(0, MAX_WATCHES)) {
        follow(key, client, target, stop.signal).catch((err: unknown) => {
          if (!stop.signal.aborted) log.debug({ err, key }, 'a dependency is not watched');
        });
      }
    },
    done,
    keys: () => [...waits.keys()],
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      for (const key of [...waits.keys()]) done(key);
    },
  };
}
