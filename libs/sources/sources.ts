// Sources and the artifacts that they have. What is true is the status in the API server, which a watch shows. A message
// over NATS only brings the trace of an artifact, and a question to the API server where the watch is behind.
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

/** A source, which need not have an artifact yet. */
export interface Source {
  artifact?: Artifact;
  /** The whole object: shared, and not to be changed. */
  object: SourceObject;
}

/** Names one source. */
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
   * The source as the API server has it; undefined when there is none. The kind is watched from the first call on.
   * Rejects with NoMatchError when the kind isn't served, and with SourcesNotListed when its objects can't be listed.
   */
  find(source: SourceReference): Promise<Source | undefined>;
  /** The same without waiting: undefined also for a source of a kind that isn't watched yet. */
  known(source: SourceReference): SourceObject | undefined;
  /** Stores the result of a write to a source by this process, so that nobody acts on an older version. */
  observe(kind: string, object: SourceObject): void;
  /**
   * Calls back once for each artifact that a source of a watched kind newly has; returns the way to stop that. What
   * the first list of a kind holds is no change: whoever needs it waits for that list.
   */
  onArtifact(listener: (change: ArtifactChange) => void): () => void;
  /**
   * Calls back with `<kind>/<namespace>/<name>` of each source of a watched kind that has turned ready for its present
   * generation, also where its artifact stayed the same; returns the way to stop that.
   */
  onReady(listener: (source: string) => void): () => void;
  close(): Promise<void>;
}

export interface SourcesOptions {
  client: KubeClient;
  bus: Bus;
  log: Logger;
}

/** How long a message may be behind the watch. It carries the trace, which nothing else does. */
const MESSAGE_LAG_MS = 100;
/** What is remembered of messages, the latest of each source: some 10,000 of them. Characters. */
const MAX_ANNOUNCED = 4_000_000;
/** Before announcements are read again after an error that nobody foresaw. */
const READ_AGAIN_MS = 1_000;

/** Follows announcements at once, and the sources of a kind from the first call of `find` on. */
export function createSources({ client, bus, log }: SourcesOptions): Sources {
  const listeners = new Set<(change: ArtifactChange) => void>();
  const readyListeners = new Set<(source: string) => void>();
  const watches = createKindWatches(client, log, onChange);
  const announced = createBoundedMap<string, Announcement>({
    max: MAX_ANNOUNCED,
    weigh: ({ kind, key, uid, id, traceparent = '' }) =>
      [kind, key, key, uid, id, traceparent].reduce((sum, { length }) => sum + length, 0),
  });
  /** The artifact of each source that listeners know. */
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
    // The watch shows a source that is new, if there is one.
    if (object === undefined) return;
    if (!isConfirmed(announcement, object)) {
      confirmations.request(source);
      return;
    }
    confirmations.cancel(source);
    publish(source);
  }

  /** What the API server says is taken in as if the watch had shown it, whether it confirms the message or not. */
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

/** Names of kinds, namespaces and objects hold no slash. */
function partsOf(source: string) {
  const [kind = '', namespace = '', name = ''] = source.split('/');
  return { kind, namespace, name, key: `${namespace}/${name}` };
}
