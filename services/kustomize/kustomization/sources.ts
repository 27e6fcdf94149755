// The sources and their current artifacts: heard of over NATS, known from Kubernetes. Whichever tells of
// the newer version of the object counts.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Artifact,
  type Kustomization,
  Reason,
  resolveReference,
  type SourceReference,
} from '@weir/api';
import type { ArtifactMessage } from '@weir/artifact';
import { createInformer, type Informer } from '@weir/controller';
import { isNoMatch, type KubeClient, type KubeObject, objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { sourceKey } from './dependencies/dependencies.ts';
import { Failure } from './status/failure.ts';

const GROUP = 'source.toolkit.fluxcd.io';
const ORIGIN_REVISION = 'org.opencontainers.image.revision';

export interface Source {
  /** `<kind>/<namespace>/<name>` */
  key: string;
  artifact?: Artifact;
}

export interface ArtifactChange {
  /** `<kind>/<namespace>/<name>` of the source. */
  source: string;
  artifact: Artifact;
  traceparent?: string;
}

export interface Sources {
  /** Takes in what NATS tells. */
  offer(message: ArtifactMessage, traceparent?: string): void;
  /** The source of a Kustomization; undefined when there is none. Rejects when its kind isn't served. */
  find(reference: SourceReference, namespace: string): Promise<Source | undefined>;
  close(): void;
}

interface Heard {
  uid: string;
  resourceVersion: string;
  artifact: Artifact;
  traceparent?: string;
}

type SourceObject = KubeObject & { status?: { artifact?: Artifact } };

export interface SourcesOptions {
  client: KubeClient;
  log: Logger;
  onArtifact(change: ArtifactChange): void;
  /** Whether messages come in: then what a watch saw first waits a moment for its message. */
  isAnnounced(): boolean;
}

/** How long the message may lag behind the watch. It carries the trace, which nothing else does. */
const MESSAGE_LAG_MS = 100;
/** How long the first list of a kind may take. */
const LIST_TIMEOUT_MS = 10_000;

/**
 * Watches the kinds of sources that Kustomizations refer to, from the first reference on. `onArtifact`
 * is told once of each artifact that a source newly has.
 */
export function createSources(options: SourcesOptions): Sources {
  const { client, log, onArtifact, isAnnounced } = options;
  const informers = new Map<string, Promise<Informer<SourceObject>>>();
  const known = new Map<string, Informer<SourceObject>>();
  const heard = new Map<string, Heard>();
  const told = new Map<string, string>();
  const lagging = new Map<string, NodeJS.Timeout>();
  // A watch outlives the run that needs it first, and must not stay in its trace.
  const outside = AsyncLocalStorage.snapshot();

  function current(kind: string, key: string): Artifact | undefined {
    const object = known.get(kind)?.get(key);
    if (object === undefined) return undefined;
    const news = heard.get(`${kind}/${key}`);
    const { uid, resourceVersion = '0' } = object.metadata;
    const isNews =
      news?.uid === uid && BigInt(news?.resourceVersion ?? 0) > BigInt(resourceVersion);
    return isNews ? news?.artifact : object.status?.artifact;
  }

  /**
   * Tells of the artifact that is current now, unless it was told of. What the first list of a kind holds
   * is no news: whoever needs it is waiting for that list.
   */
  function tell(kind: string, key: string): void {
    const source = `${kind}/${key}`;
    const artifact = current(kind, key);
    const isNews = known.get(kind)?.hasSynced() ?? false;
    const id = artifact && `${artifact.revision} ${artifact.digest}`;
    if (artifact === undefined || id === undefined) {
      told.delete(source);
    } else if (told.get(source) !== id) {
      told.set(source, id);
      if (!isNews) return;
      const { traceparent, artifact: latest } = heard.get(source) ?? {};
      const isHeard = traceparent !== undefined && latest?.revision === artifact.revision;
      onArtifact({ source, artifact, ...(isHeard ? { traceparent } : {}) });
    }
  }

  /** Each version of a source has its own time to be announced. */
  function tellSoon(kind: string, key: string): void {
    const source = `${kind}/${key}`;
    clearTimeout(lagging.get(source));
    const timer = setTimeout(() => {
      lagging.delete(source);
      tell(kind, key);
    }, MESSAGE_LAG_MS);
    lagging.set(source, timer);
  }

  async function open(kind: string, apiVersion: string | undefined) {
    const version = apiVersion?.split('/')[1];
    const wanted = { group: GROUP, kind, ...(version === undefined ? {} : { version }) };
    const type = await client.discovery.resourceFor(wanted);
    const informer = createInformer<SourceObject>(client, type, { log });
    known.set(kind, informer);
    informer.onChange(({ type, object }) => {
      const key = objectKey(object);
      if (type === 'deleted') heard.delete(`${kind}/${key}`);
      const isHeard =
        heard.get(`${kind}/${key}`)?.resourceVersion === object.metadata.resourceVersion;
      if (isHeard || !isAnnounced() || !informer.hasSynced()) tell(kind, key);
      else tellSoon(kind, key);
    });
    await inTime(informer.synced(), kind);
    return informer;
  }

  function watch(kind: string, apiVersion: string | undefined): Promise<Informer<SourceObject>> {
    const informer = informers.get(kind) ?? outside(open, kind, apiVersion);
    informers.set(kind, informer);
    // A kind that isn't served or listed yet may be later.
    informer.catch(() => {
      known.get(kind)?.close();
      informers.delete(kind);
    });
    return informer;
  }

  return {
    offer({ kind, namespace, name, uid, resourceVersion, artifact }, traceparent) {
      const key = `${namespace}/${name}`;
      heard.set(`${kind}/${key}`, {
        uid,
        resourceVersion,
        artifact,
        ...(traceparent === undefined ? {} : { traceparent }),
      });
      tell(kind, key);
    },
    async find({ kind, apiVersion, name }, namespace) {
      const informer = await watch(kind, apiVersion);
      const key = objectKey({ namespace, name });
      if (informer.get(key) === undefined) return undefined;
      const artifact = current(kind, key);
      return { key: `${kind}/${key}`, ...(artifact === undefined ? {} : { artifact }) };
    },
    close() {
      for (const timer of lagging.values()) clearTimeout(timer);
      for (const informer of known.values()) informer.close();
    },
  };
}

/** Rejects with a Failure when the kind can't be listed soon: a missing right, or the API server away. */
async function inTime(synced: Promise<void>, kind: string): Promise<void> {
  const stop = new AbortController();
  const late = sleep(LIST_TIMEOUT_MS, undefined, { signal: stop.signal }).then(() => {
    const message = `unable to list ${kind} objects, retrying`;
    throw new Failure(Reason.ArtifactFailed, message, { backoff: true });
  });
  late.catch(() => undefined);
  await Promise.race([synced, late]).finally(() => stop.abort());
}

/** The artifact to apply, or the Failure that says what is missing. */
export async function findArtifact(
  object: Kustomization,
  sources: Sources,
  limits: {
    noCrossNamespaceRefs: boolean;
    allowExternalArtifact: boolean;
    retryMs: number;
    retryText: string;
  },
): Promise<Artifact> {
  const { sourceRef } = object.spec;
  const { namespace, name } = resolveReference(sourceRef, object);
  if (limits.noCrossNamespaceRefs && namespace !== object.metadata.namespace) {
    throw new Failure(
      Reason.AccessDenied,
      `can't access '${sourceKey(object)}', cross-namespace references have been blocked`,
      { stalled: true },
    );
  }
  if (sourceRef.kind === 'ExternalArtifact' && !limits.allowExternalArtifact) {
    throw new Failure(
      Reason.AccessDenied,
      `can't access '${sourceKey(object)}', ExternalArtifact feature gate is disabled`,
      { stalled: true },
    );
  }
  const source = await sources.find(sourceRef, namespace).catch((cause: unknown) => {
    if (!isNoMatch(cause)) throw cause;
    const message = `unable to get source '${namespace}/${name}': ${cause.message}`;
    throw new Failure(Reason.ArtifactFailed, message, { cause, event: 'none' });
  });
  if (source === undefined) {
    const message = `${sourceRef.kind}.${GROUP} "${name}" not found`;
    throw new Failure(Reason.ArtifactFailed, message, { brief: true, event: 'none' });
  }
  if (source.artifact === undefined) {
    throw new Failure(
      Reason.ArtifactFailed,
      `Source artifact not found, retrying in ${limits.retryText}`,
      { retryMs: limits.retryMs, brief: true, event: 'none' },
    );
  }
  return source.artifact;
}

/** The commit that an artifact was made from where it was packed elsewhere (an OCI annotation). */
export function originRevision({ metadata }: Artifact): string | undefined {
  return metadata?.[ORIGIN_REVISION];
}
