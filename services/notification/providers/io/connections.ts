import { createHash } from 'node:crypto';
import { type Connections, keepConnections } from '@weir/net';
import type { Target } from '../target.ts';
import type { ResolverFor } from './lookup.ts';

/** How receivers of messages are reached. */
export interface Network {
  /** Looks names up, fairly by namespace. */
  resolverFor: ResolverFor;
  /** Allows loopback and link-local addresses (`--allow-local-addresses`). */
  allowLocal: boolean;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the operator are looked up, for who names no proxy. */
  environment?: NodeJS.ProcessEnv | undefined;
}

/** For whom a connection is made, and how. */
export type Reached = Pick<Target, 'namespace' | 'proxy' | 'tls'>;

/** Sets of connections that are kept; beyond that, the least recently used ones are closed. */
const MAX_KEPT = 200;
/** As many as one namespace may have attempts at a time, so that none waits for the connection of another. */
const MAX_SOCKETS = 64;

interface Kept {
  connections: Connections;
  users: number;
}

/** Runs `work` with the connections to a target. */
export type WithConnections = <T>(
  target: Reached,
  work: (connections: Connections) => Promise<T>,
) => Promise<T>;

/**
 * Keeps connections for messages that follow soon. They are shared only within a namespace, and only by targets with
 * the same proxy and certificates: no message is sent over a connection that was opened with another's credentials.
 */
export function keepByTarget(network: Network): WithConnections {
  const all = new Map<string, Kept>();

  function open({ namespace, proxy, tls }: Reached): Connections {
    return keepConnections({
      allowLocal: network.allowLocal,
      resolver: network.resolverFor(namespace),
      environment: network.environment,
      maxSockets: MAX_SOCKETS,
      proxy,
      tls: { ca: tls?.ca, certificate: tls?.cert, key: tls?.key },
    });
  }

  function take(target: Reached): Kept {
    const key = keyOf(target);
    const kept = all.get(key) ?? { connections: open(target), users: 0 };
    all.delete(key);
    all.set(key, kept);
    kept.users += 1;
    return kept;
  }

  /** Closing would interrupt requests, so connections in use stay open. */
  function tidy(): void {
    if (all.size <= MAX_KEPT) return;
    for (const [key, { connections, users }] of all) {
      if (users > 0) continue;
      all.delete(key);
      connections.close();
      if (all.size <= MAX_KEPT) return;
    }
  }

  return async (target, work) => {
    const kept = take(target);
    try {
      return await work(kept.connections);
    } finally {
      kept.users -= 1;
      tidy();
    }
  };
}

/** The certificates and the proxy's credentials as a digest, because the keys of this map stay in memory. */
function keyOf({ namespace, proxy, tls }: Reached): string {
  if (proxy === undefined && tls === undefined) return namespace;
  return createHash('sha256')
    .update(JSON.stringify([namespace, proxy, tls]))
    .digest('base64');
}
