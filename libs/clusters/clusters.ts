// Where objects are applied: the cluster that the service runs in, and all others that a spec names.
import type { Drift, TargetCluster } from '@weir/apply';
import type { Identities } from '@weir/identity';
import { isUnavailable, type KubeClient, objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import {
  type Connection,
  type Connections,
  createConnections,
  type Opened,
} from './connections.ts';
import { ClusterError } from './errors.ts';
import { createReader } from './read.ts';
import type { SecretWords, Source } from './read-secret.ts';
import { type Placed, type Reference, referenceOf, subjectOfReference } from './reference.ts';
import type { ClusterSettings } from './settings.ts';
import type { Slots } from './slots.ts';
import { createReferenceWatches } from './watches.ts';

/** A cluster that an object is applied to. */
export interface Place<C extends TargetCluster> {
  /** With the rights of the service, or with those of the credentials that lead there. */
  cluster: C;
  /** Which cluster it is; undefined for the one that the service runs in. */
  id: string | undefined;
  /** Where work in another cluster is done. */
  slots?: Slots;
  /** In this process the object was applied to the service's own cluster before. */
  wasOwn: boolean;
}

export interface Clusters<C extends TargetCluster> {
  /** The cluster that the service runs in. */
  own: C;
  /**
   * The cluster that the object's spec names. It stays open until the object names another one or `leave` is called. What the
   * drift watch knows of the object goes along to other credentials for the same cluster. Rejects with ClusterError, and as
   * requests do where the cluster can't be asked which one it is.
   */
  enter(object: Placed, signal: AbortSignal): Promise<Place<C>>;
  /** Where the object `<namespace>/<name>` is applied, as far as is known: in the own cluster unless it has entered another one. */
  at(key: string): C;
  /** Forgets where the object `<namespace>/<name>` is applied, and what is watched for it. */
  leave(key: string): void;
  /** Lets go of another cluster that the object named before; what is watched in the own one stays. */
  leaveOther(key: string): void;
  /** Those for whom anything is kept. */
  keys(): string[];
  /** Calls back when an object in any cluster is no longer as it was applied; returns the way to stop that. */
  onDrift(listener: (drift: Drift) => void): () => void;
  /** Calls back with the key of an object when the Secret or ConfigMap (`subject`) that leads to its cluster has changed. */
  onChange(listener: (key: string, subject: string) => void): () => void;
  /** How many other clusters are connected. */
  size(): number;
  close(): Promise<void>;
}

export interface ClustersOptions<C extends TargetCluster> {
  /**
   * The service's own client, for its own cluster. It reads and watches the Secrets and ConfigMaps that lead to others.
   */
  client: KubeClient;
  /** What the service needs of a cluster. */
  open(client: KubeClient): Opened<C>;
  /** Who ConfigMaps may act as. Closing it stays the caller's. */
  identities: Pick<Identities, 'restConfig'>;
  settings: ClusterSettings;
  /** Runs at the same time in one other cluster. */
  concurrency: number;
  words: SecretWords;
  userAgent: string;
  /** Where the operator's proxies are looked up. */
  environment: NodeJS.ProcessEnv;
  log: Logger;
}

interface Stay<C extends TargetCluster> {
  connection: Connection<C>;
  /** Which cluster it was when it was last asked. */
  id?: string;
}

/** How long the watches over new credentials may take to show what is there, in ms. */
const SETTLE_MS = 10_000;

/** Opens the own cluster, and others when they are needed. */
export function openClusters<C extends TargetCluster>(options: ClustersOptions<C>): Clusters<C> {
  const { client, log } = options;
  const { cluster: own, close: closeOwn } = options.open(client);
  const read = createReader(options);
  const stays = new Map<string, Stay<C>>();
  const references = new Map<string, Reference>();
  const driftListeners = new Set<(drift: Drift) => void>();
  const changeListeners = new Set<(key: string, subject: string) => void>();
  const onDrift = (drift: Drift) => {
    for (const listener of driftListeners) listener(drift);
  };
  own.drift.onDrift(onDrift);
  const connections: Connections<C> = createConnections({
    ...options,
    ...options.settings,
    open(remote) {
      const opened = options.open(remote);
      opened.cluster.drift.onDrift(onDrift);
      return opened;
    },
  });
  const watches = createReferenceWatches(client, {
    log,
    changed(key, subject) {
      for (const listener of changeListeners) listener(key, subject);
    },
  });

  function disconnect(key: string): void {
    const stay = stays.get(key);
    if (stay === undefined) return;
    stays.delete(key);
    stay.connection.cluster.drift.untrack(key);
    connections.release(stay.connection, key);
  }

  /** Watches what the object names, in place of what it named before. */
  function refer(key: string, reference: Reference, read: string | undefined): void {
    const former = references.get(key);
    references.set(key, reference);
    watches.retain(reference, key, read);
    if (former && subjectOfReference(former) !== subjectOfReference(reference)) {
      watches.release(former, key);
    }
  }

  function leaveOther(key: string): void {
    const reference = references.get(key);
    references.delete(key);
    if (reference !== undefined) watches.release(reference, key);
    disconnect(key);
  }

  /**
   * Reads how the object's cluster is reached. A Secret or ConfigMap that leads to no cluster any more ends the connection. While
   * the API server of the own cluster can't be asked, the connection stays.
   */
  async function readFor(key: string, reference: Reference, signal: AbortSignal): Promise<Source> {
    try {
      const source = await read(reference, signal);
      refer(key, reference, source.resourceVersion);
      return source;
    } catch (error) {
      if (error instanceof ClusterError && !isUnavailable(error.cause)) {
        refer(key, reference, error.resourceVersion);
        disconnect(key);
      }
      throw error;
    }
  }

  /** Connects, and takes along what the drift watch knows of the object where it is the same cluster as before. */
  async function connect(
    key: string,
    { namespace }: Reference,
    source: Source,
    signal: AbortSignal,
  ): Promise<{ connection: Connection<C>; id: string }> {
    const former = stays.get(key);
    const known = former?.connection.cluster.drift.lastApplied(key) ?? [];
    const connection = connections.retain(source, namespace, key);
    const isSame = former?.connection === connection;
    if (former !== undefined && !isSame) disconnect(key);
    const stay: Stay<C> = { connection };
    stays.set(key, stay);
    const id = await connection.id();
    signal.throwIfAborted();
    stay.id = id;
    const { drift } = connection.cluster;
    if (former === undefined) return { connection, id };
    if (former.id !== id) drift.untrack(key);
    else if (!isSame) {
      drift.resume(key, known);
      await drift.settled(key, AbortSignal.any([signal, AbortSignal.timeout(SETTLE_MS)]));
    }
    return { connection, id };
  }

  return {
    own,
    async enter(object, signal) {
      const key = objectKey(object);
      const reference = referenceOf(object);
      if (reference === undefined) {
        leaveOther(key);
        return { cluster: own, id: undefined, wasOwn: true };
      }
      const source = await readFor(key, reference, signal);
      const { connection, id } = await connect(key, reference, source, signal);
      const { cluster, slots } = connection;
      const wasOwn = own.drift.tracks(key);
      if (wasOwn) own.drift.untrack(key);
      return { cluster, id, slots, wasOwn };
    },
    at: (key) => stays.get(key)?.connection.cluster ?? own,
    leave(key) {
      own.drift.untrack(key);
      leaveOther(key);
    },
    leaveOther,
    keys: () => [...new Set([...own.drift.owners(), ...references.keys()])],
    onDrift(listener) {
      driftListeners.add(listener);
      return () => driftListeners.delete(listener);
    },
    onChange(listener) {
      changeListeners.add(listener);
      return () => changeListeners.delete(listener);
    },
    size: connections.size,
    async close() {
      await watches.close();
      await connections.close();
      await closeOwn();
    },
  };
}
