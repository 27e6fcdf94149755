// Connections to clusters: one for each set of credentials, shared by all objects with the same.
import type { TargetCluster } from '@weir/apply';
import { connectCluster, type KubeClient } from '@weir/kube';
import type { AddressPolicy } from '@weir/net';
import type { Logger } from '@weir/telemetry';
import { createClusterId } from './cluster-id.ts';
import { ClusterError } from './errors.ts';
import type { Source } from './read-secret.ts';
import { createSlots, type Slots } from './slots.ts';

/** What a service opens for a cluster: its handle, and the function that closes it. */
export interface Opened<C extends TargetCluster> {
  cluster: C;
  close(): Promise<void>;
}

export interface Connection<C extends TargetCluster> extends Opened<C> {
  id(): Promise<string>;
  slots: Slots;
  users: Set<string>;
}

export interface ConnectionsOptions<C extends TargetCluster> {
  open(client: KubeClient): Opened<C>;
  /** Connected clusters at the same time. No namespace alone can hold them all. */
  max: number;
  /** Runs at the same time in one cluster. */
  concurrency: number;
  addresses: AddressPolicy;
  environment: NodeJS.ProcessEnv;
  userAgent: string;
  log: Logger;
}

export interface Connections<C extends TargetCluster> {
  /**
   * The connection for a source, which this user keeps open from now on. Throws ClusterError when there are too many.
   */
  retain(source: Source, namespace: string, user: string): Connection<C>;
  /** Releases a connection for a user; without users it is closed. */
  release(connection: Connection<C>, user: string): void;
  size(): number;
  close(): Promise<void>;
}

/** A namespace gets no further cluster while it holds this many times as many as are free. */
const SHARE = 3;

export function createConnections<C extends TargetCluster>(
  options: ConnectionsOptions<C>,
): Connections<C> {
  const { max, log } = options;
  const byDigest = new Map<string, Entry>();
  const closing = new Set<Promise<void>>();

  interface Entry {
    connection: Connection<C>;
    namespace: string;
  }

  function requireRoom(namespace: string): void {
    const held = [...byDigest.values()].filter((it) => it.namespace === namespace).length;
    if (held < SHARE * (max - byDigest.size)) return;
    throw new ClusterError(
      `${byDigest.size} other clusters are connected already, ${held} of them for this namespace: --max-remote-clusters=${max} allows no more`,
    );
  }

  function connect({ access, token }: Source): Connection<C> {
    const { addresses, environment, userAgent, concurrency } = options;
    const client = connectCluster(access, { addresses, environment, userAgent, token, log });
    const { cluster, close } = options.open(client);
    return {
      cluster,
      id: createClusterId(client),
      slots: createSlots(concurrency),
      users: new Set(),
      async close() {
        await close();
        await client.close();
      },
    };
  }

  function end(connection: Connection<C>): void {
    const ended = connection
      .close()
      .catch((err: unknown) => log.warn({ err }, 'a connection to another cluster did not close'))
      .finally(() => closing.delete(ended));
    closing.add(ended);
  }

  return {
    retain(source, namespace, user) {
      const known = byDigest.get(source.digest);
      if (known === undefined) requireRoom(namespace);
      const entry = known ?? { connection: connect(source), namespace };
      byDigest.set(source.digest, entry);
      entry.connection.users.add(user);
      return entry.connection;
    },
    release(connection, user) {
      connection.users.delete(user);
      if (connection.users.size > 0) return;
      for (const [digest, entry] of byDigest) {
        if (entry.connection === connection) byDigest.delete(digest);
      }
      end(connection);
    },
    size: () => byDigest.size,
    async close() {
      for (const { connection } of byDigest.values()) end(connection);
      byDigest.clear();
      await Promise.all(closing);
    },
  };
}
