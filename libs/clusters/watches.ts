// Watches the Secrets and ConfigMaps that lead to other clusters, each by its name and its metadata only, so that a
// rotated token is used at once.
import { AsyncLocalStorage } from 'node:async_hooks';
import { ConfigMap, type KubeClient, Secret } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Reference, subjectOfReference } from './reference.ts';

export interface ReferenceWatches {
  /** Watches for a user that has just read this version. */
  retain(reference: Reference, user: string, read: string | undefined): void;
  release(reference: Reference, user: string): void;
  close(): Promise<void>;
}

/** References that are watched; further ones are read again at the next interval. */
const MAX_WATCHES = 2_000;

interface Watch {
  stop: AbortController;
  ended: Promise<void>;
  /** The version that each user has read. */
  users: Map<string, string | undefined>;
}

/**
 * `changed` is called for each user for whom `<kind>/<namespace>/<name>` has another version than the one that was
 * read.
 */
export function createReferenceWatches(
  client: KubeClient,
  { changed, log }: { changed(user: string, subject: string): void; log: Logger },
): ReferenceWatches {
  const watches = new Map<string, Watch>();
  // A watch outlives the run that opens it, so it is opened outside of the trace of that run.
  const outside = AsyncLocalStorage.snapshot();

  function open(reference: Reference, subject: string): Watch {
    const stop = new AbortController();
    const watch: Watch = { stop, ended: Promise.resolve(), users: new Map() };
    watch.ended = follow(reference, subject, watch).catch((err: unknown) => {
      if (!stop.signal.aborted) log.warn({ err, subject }, 'a kubeconfig is not watched');
    });
    return watch;
  }

  async function follow(
    { kind, namespace, name }: Reference,
    subject: string,
    watch: Watch,
  ): Promise<void> {
    const type = kind === 'Secret' ? Secret : ConfigMap;
    const selection = {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      metadataOnly: true,
      signal: watch.stop.signal,
    };
    for await (const event of client.listWatch(type, selection)) {
      if (event.type === 'synced') continue;
      if (event.type === 'error') {
        log.info({ subject, why: event.error.message }, 'watch of a kubeconfig');
        continue;
      }
      const version = event.type === 'deleted' ? undefined : event.object.metadata.resourceVersion;
      for (const [user, read] of watch.users) {
        if (read === version) continue;
        watch.users.set(user, version);
        changed(user, subject);
      }
    }
  }

  return {
    retain(reference, user, read) {
      const subject = subjectOfReference(reference);
      const known = watches.get(subject);
      if (known === undefined && watches.size >= MAX_WATCHES) return;
      const watch = known ?? outside(open, reference, subject);
      watches.set(subject, watch);
      watch.users.set(user, read);
    },
    release(reference, user) {
      const subject = subjectOfReference(reference);
      const watch = watches.get(subject);
      watch?.users.delete(user);
      if (watch === undefined || watch.users.size > 0) return;
      watches.delete(subject);
      watch.stop.abort();
    },
    async close() {
      const all = [...watches.values()];
      watches.clear();
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
