// Sources and their artifacts. What counts is the status in the API server, which a watch shows. A message over NATS
// only carries the trace of an artifact, and makes the service ask the API server when the watch is behind.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Artifact, isReady } from '@weir/api';
import { type ArtifactReading, readArtifacts } from '@weir/artifact';
import { createBoundedMap } from '@weir/async';
import type { Bus } from '@weir/bus';
import type { Change } from '@weir/controller';
import { isNotFound, type KubeClient, objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Announcement, announcementOf, isConfirmed } from './announcements.ts';
import { artifactId } from './artifact.ts';
import { createConfirmations } from './confirmations.ts';
import { createKindWatches, type SourceObject } from './kind-watches.ts';
import { SOURCE_GROUP } from './references.ts';

/** A source, with or without an artifact. */
export interface Source {
  artifact?: Artifact;
  /** The whole object. It is shared: do not change it. */
  object: SourceObject;
}

/** Identifies one source. */
export interface SourceReference {
  kind: string;
  namespace: string;
  name: string;
}

export interface ArtifactChange {
  /** `<kind>/<namespace>/<name>` of the source. */
  source: string;
  artifact: Artifact;
  traceparent?: string;
}

export interface Sources {
  /**
   * Returns the source as the API server has it; undefined when it does not exist. The first call for a kind opens its
   * watch. Rejects with NoMatchError when the kind isn't served, and with SourcesNotListed when its objects can't be
   * listed.
   */
  find(source: SourceReference): Promise<Source | undefined>;
  /** Returns the source without waiting; also undefined for a source of a kind that isn't watched yet. */
  known(source: SourceReference): SourceObject | undefined;
  /** Stores the object that this process has just written, so that nothing works with an older version. */
  observe(kind: string, object: SourceObject): void;
  /**
   * Calls back once for each new artifact of a source of a watched kind; returns a function that stops this. Artifacts
   * in the first list of a kind are not reported: callers of `find` wait for that list.
   */
  onArtifact(listener: (change: ArtifactChange) => void): () => void;
  /**
   * Calls back with `<kind>/<namespace>/<name>` of each source of a watched kind that has become ready for its current
   * generation, also when its artifact is unchanged; returns a function that stops this.
   */
  onReady(listener: (source: string) => void): () => void;
  close(): Promise<void>;
}

export interface SourcesOptions {
  client: KubeClient;
  bus: Bus;
  log: Logger;
}

/** How long to wait for a message after the watch has shown an artifact, in ms: only the message has the trace. */
const MESSAGE_LAG_MS = 100;
/** The latest message of each source is kept, for some 10,000 sources. In characters. */
const MAX_ANNOUNCED = 4_000_000;
/** The pause before announcements are read again after an unexpected error, in ms. */
const READ_AGAIN_MS = 1_000;

/** Subscribes to announcements at once; watches the sources of a kind from the first call of `find` for it. */
export function createSources({ client, bus, log }: SourcesOptions): Sources {
  const listeners = new Set<(change: ArtifactChange) => void>();
  const readyListeners = new Set<(source: string) => void>();
  const watches = createKindWatches(client, log, onChange);
  const announced = createBoundedMap<string, Announcement>({
    max: MAX_ANNOUNCED,
    weigh: ({ kind, key, uid, id, traceparent = '' }) =>
      [kind, key, key, uid, id, traceparent].reduce((sum, { length }) => sum + length, 0),
  });
  /** For each source, the artifact that is no longer new: listeners were called for it, or the first list had it. */
  const published = new Map<string, string>();
  const lagging = new Map<string, NodeJS.Timeout>();
  const confirmations = createConfirmations(ask);
  const stop = new AbortController();

  function currentOf(source: string): SourceObject | undefined {
    const { kind, key } = partsOf(source);
    return watches.known(kind)?.get(key);
  }

  function isPublished(source: string, object: SourceObject): boolean {
    const { artifact } = object.status ?? {};
    return artifact !== undefined && published.get(source) === artifactId(artifact);
  }

  function onChange(kind: string, { type, object, previous }: Change<SourceObject>): void {
    const source = `${kind}/${objectKey(object)}`;
    if (type === 'modified' && isReady(object) && previous !== undefined && !isReady(previous)) {
      for (const listener of readyListeners) listener(source);
    }
    if (type === 'deleted' || object.status?.artifact === undefined) {
      if (type === 'deleted') announced.delete(source);
      published.delete(source);
      return;
    }
    if (isPublished(source, object)) return;
    const confirmed = isConfirmed(announced.get(source), object);
    if (confirmed) confirmations.cancel(source);
    const isAwaited = bus.connected() && watches.known(kind)?.hasSynced() === true;
    if (confirmed || !isAwaited) publish(source);
    else publishLater(source);
  }

  function publishLater(source: string): void {
    if (lagging.has(source)) return;
    lagging.set(
      source,
      setTimeout(() => publish(source), MESSAGE_LAG_MS),
    );
  }

  function publish(source: string): void {
    clearTimeout(lagging.get(source));
    lagging.delete(source);
    const object = currentOf(source);
    const artifact = object?.status?.artifact;
    if (object === undefined || artifact === undefined || isPublished(source, object)) return;
    published.set(source, artifactId(artifact));
    if (watches.known(partsOf(source).kind)?.hasSynced() !== true) return;
    const announcement = announced.get(source);
    const { traceparent } = isConfirmed(announcement, object) ? announcement : {};
    const trace = traceparent === undefined ? {} : { traceparent };
    for (const listener of listeners) listener({ source, artifact, ...trace });
  }

  function receive(reading: ArtifactReading): void {
    const { group = SOURCE_GROUP } = reading.message;
    if (group !== SOURCE_GROUP) return;
    const announcement = announcementOf(reading);
    const { kind, key } = announcement;
    const informer = watches.known(kind);
    if (informer === undefined) return;
    const source = `${kind}/${key}`;
    announced.set(source, announcement);
    const object = informer.get(key);
    // If the source is new, the watch will show it.
    if (object === undefined) return;
    if (!isConfirmed(announcement, object)) {
      confirmations.request(source);
      return;
    }
    confirmations.cancel(source);
    publish(source);
  }

  /** The answer of the API server is used as if the watch had shown it, whether or not it confirms the message. */
  async function ask(source: string): Promise<void> {
    const { kind, key, namespace, name } = partsOf(source);
    try {
      const type = await client.discovery.resourceFor({ group: SOURCE_GROUP, kind });
      const object = await client.get<SourceObject>(type, { namespace, name });
      if (!isConfirmed(announced.get(source), object)) {
        announced.delete(source);
        log.info({ source }, 'dropped a message about an artifact that the source does not have');
      }
      watches.known(kind)?.observe(object);
    } catch (err) {
      if (!isNotFound(err)) log.debug({ err, source: `${kind}/${key}` }, 'left to the watch');
    }
  }

  async function follow(): Promise<void> {
    const { signal } = stop;
    while (!signal.aborted) {
      try {
        for await (const reading of readArtifacts(bus, { signal })) receive(reading);
      } catch (err) {
        if (signal.aborted) return;
        log.error({ err }, 'announcements are read again');
        await sleep(READ_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  const following = follow();
  return {
    async find({ kind, namespace, name }) {
      const informer = await watches.listed(kind);
      const object = informer.get(objectKey({ namespace, name }));
      if (object === undefined) return undefined;
      const { artifact } = object.status ?? {};
      return artifact === undefined ? { object } : { object, artifact };
    },
    known: ({ kind, namespace, name }) => watches.known(kind)?.get(objectKey({ namespace, name })),
    observe: (kind, object) => watches.known(kind)?.observe(object),
    onReady(listener) {
      readyListeners.add(listener);
      return () => readyListeners.delete(listener);
    },
    onArtifact(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      stop.abort();
      confirmations.close();
      for (const timer of lagging.values()) clearTimeout(timer);
      watches.close();
      await following;
    },
  };
}

/** This works because names of kinds, namespaces and objects contain no slash. */
function partsOf(source: string) {
  const [kind = '', namespace = '', name = ''] = source.split('/');
  return { kind, namespace, name, key: `${namespace}/${name}` };
}
