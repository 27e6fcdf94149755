// One watch for each kind of source, opened by the first reference to it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Artifact } from '@weir/api';
import { type Change, createInformer, type Informer } from '@weir/controller';
import type { KubeClient, KubeObject } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { SOURCE_GROUP } from './references.ts';

export type SourceObject = KubeObject & { status?: { artifact?: Artifact } };

/** The objects of a kind can't be listed now: RBAC does not allow it, or the API server does not answer. */
export class SourcesNotListed extends Error {
  override name = 'SourcesNotListed';
  readonly reason = 'SourcesNotListed';

  constructor(kind: string) {
    super(`unable to list ${kind} objects, retrying`);
  }
}

export interface KindWatches {
  /**
   * Returns the objects of a kind as soon as they are listed. Rejects with NoMatchError when the kind isn't served, and
   * with SourcesNotListed when the list takes longer than 10 s; the next call tries again.
   */
  listed(kind: string): Promise<Informer<SourceObject>>;
  /** Returns the objects without waiting for the list; undefined for a kind that nothing refers to. */
  known(kind: string): Informer<SourceObject> | undefined;
  close(): void;
}

/** How long the first list of a kind may take. */
const LIST_TIMEOUT_MS = 10_000;

/** `onChange` receives the changes of all kinds. */
export function createKindWatches(
  client: KubeClient,
  log: Logger,
  onChange: (kind: string, change: Change<SourceObject>) => void,
): KindWatches {
  const opening = new Map<string, Promise<Informer<SourceObject>>>();
  const informers = new Map<string, Informer<SourceObject>>();
  // A watch lives longer than the reconciliation that opens it, and so must not become part of its trace.
  const outside = AsyncLocalStorage.snapshot();

  async function open(kind: string): Promise<Informer<SourceObject>> {
    // This is the version that the API server prefers: as in Flux, the apiVersion of a reference has no effect.
    const type = await client.discovery.resourceFor({ group: SOURCE_GROUP, kind });
    const informer = createInformer<SourceObject>(client, type, { log });
    informers.set(kind, informer);
    informer.onChange((change) => onChange(kind, change));
    await inTime(informer.synced(), kind);
    return informer;
  }

  function forget(kind: string): void {
    informers.get(kind)?.close();
    informers.delete(kind);
    opening.delete(kind);
  }

  return {
    listed(kind) {
      const opened = opening.get(kind) ?? outside(open, kind);
      opening.set(kind, opened);
      opened.catch(() => {
        if (opening.get(kind) === opened) forget(kind);
      });
      return opened;
    },
    known: (kind) => informers.get(kind),
    close() {
      for (const informer of informers.values()) informer.close();
    },
  };
}

async function inTime(listed: Promise<void>, kind: string): Promise<void> {
  const stop = new AbortController();
  const late = sleep(LIST_TIMEOUT_MS, undefined, { signal: stop.signal }).then(() => {
    throw new SourcesNotListed(kind);
  });
  late.catch(() => undefined);
  await Promise.race([listed, late]).finally(() => stop.abort());
}
