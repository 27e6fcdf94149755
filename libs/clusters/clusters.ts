// The clusters that objects are applied to: the one that the service runs in, and all that a spec names.
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
export interface EnteredCluster<C extends TargetCluster> {
  /** A handle with the rights of the service, or of the credentials that lead to the cluster. */
  cluster: C;
  /** The id of the cluster; undefined for the one that the service runs in. */
  id: string | undefined;
  /** Slots for work in another cluster. */
  slots?: Slots;
  /** Whether this process has applied the object to the service's own cluster before. */
  wasOwn: boolean;
}

export interface Clusters<C extends TargetCluster> {
  /** The cluster that the service runs in. */
  own: C;
  /**
   * The cluster that the object's spec names. It stays open until the object names another one or `leave` is called.
   * What the drift watch knows of the object is kept when only the credentials for the same cluster change. Rejects
   * with ClusterError, and like other requests when the cluster can't be asked for its id.
   */
  enter(object: Placed, signal: AbortSignal): Promise<EnteredCluster<C>>;
  /** The known cluster of the object `<namespace>/<name>`: the service's own unless it has entered another one. */
  at(key: string): C;
  /** Forgets the cluster of the object `<namespace>/<name>`, and what is watched for it. */
  leave(key: string): void;
  /** Leaves another cluster that the object named before; what is watched in the service's own stays. */
  leaveOther(key: string): void;
  /** The objects for which anything is kept. */
  keys(): string[];
  /**
   * Calls back when an object in any cluster is no longer as it was applied; returns a function that ends the
   * subscription.
   */
  onDrift(listener: (drift: Drift) => void): () => void;
  /** Calls back with the key of an object when the Secret or ConfigMap (`subject`) that leads to its cluster has changed. */
  onChange(listener: (key: string, subject: string) => void): () => void;
  /** How many other clusters are connected. */
  size(): number;
  close(): Promise<void>;
}

export interface ClustersOptions<C extends TargetCluster> {
  /**
   * The service's own client, for its own cluster. It reads and watches the Secrets and ConfigMaps that lead to other
   * clusters.
   */
  client: KubeClient;
  /** Opens what the service needs of a cluster. */
  open(client: KubeClient): Opened<C>;
  /** The identities that ConfigMaps may use. The caller closes it. */
  identities: Pick<Identities, 'restConfig'>;
  settings: ClusterSettings;
  /** Runs at the same time in one other cluster. */
  concurrency: number;
  words: SecretWords;
  userAgent: string;
  /** The environment with the operator's proxies. */
  environment: NodeJS.ProcessEnv;
  log: Logger;
}

interface Stay<C extends TargetCluster> {
  connection: Connection<C>;
  /** The id of the cluster when it was last requested. */
  id?: string;
}

/** How long the watches with new credentials may take to show the present state, in ms. */
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

  /** Watches what the object refers to, in place of what it referred to before. */
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
   * Reads how to reach the object's cluster. When a Secret or ConfigMap no longer leads to a cluster, the connection is
   * closed. While the API server of the service's own cluster can't be reached, the connection stays.
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

  /** Connects, and keeps what the drift watch knows of the object if it is the same cluster as before. */
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
