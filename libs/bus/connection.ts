import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { Logger } from '@weir/telemetry';

export interface ConnectionSettings {
  /** The name of this client at the server. */
  name: string;
  /** Called before each new connection. */
  options(): Promise<ConnectionOptions>;
  /** Runs after each (re)connect and is repeated until it succeeds; only then the connection counts as up. */
  prepare(nc: NatsConnection): Promise<void>;
  log: Logger;
}

/** A connection to NATS that is made in the background, and made again whenever it is lost. */
export interface Connection {
  nc(): NatsConnection | undefined;
  /** Connected and prepared. */
  up(): boolean;
  /** Called each time when the connection comes up or goes down. Returns a function that ends the subscription. */
  onUp(callback: () => void): () => void;
  onDown(callback: () => void): () => void;
  close(): Promise<void>;
}

const RETRY = { minMs: 100, maxMs: 2_000 };

/** Starts to connect and returns at once. It never throws: problems are logged once when they begin. */
export function openConnection(settings: ConnectionSettings): Connection {
  const { log } = settings;
  const closing = new AbortController();
  const up = new Set<() => void>();
  const down = new Set<() => void>();
  let nc: NatsConnection | undefined;
  let prepared = false;
  // Each preparation belongs to one (re)connect; a newer one ends it.
  let round = new AbortController();

  function notify(callbacks: Set<() => void>): void {
    for (const callback of [...callbacks]) {
      try {
        callback();
      } catch (error) {
        log.error({ err: error }, 'A listener to the connection failed');
      }
    }
  }

  function goDown(): void {
    round.abort();
    if (!prepared) return;
    prepared = false;
    notify(down);
  }

  async function goUp(connection: NatsConnection): Promise<void> {
    goDown();
    round = new AbortController();
    const { signal } = round;
    const done = await persist(signal, 'NATS is connected but not ready', log, async () => {
      await settings.prepare(connection);
      return true;
    });
    if (done === undefined || signal.aborted) return;
    prepared = true;
    log.info({ server: connection.getServer() }, 'Connected to NATS');
    notify(up);
  }

  async function follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        goDown();
        if (!closing.signal.aborted) log.warn('Disconnected from NATS, reconnecting');
      } else if (status.type === 'reconnect') {
        void goUp(connection);
      } else if (status.type === 'error') {
        log.warn({ err: status.error }, 'NATS refused an operation');
      }
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const connection = await persist(closing.signal, 'NATS is not reachable', log, async () =>
        connect({ ...(await settings.options()), ...PERSISTENT, name: settings.name }),
      );
      if (connection === undefined) return;
      nc = connection;
      if (closing.signal.aborted) return;
      const followed = follow(connection);
      void goUp(connection);
      const reason = await connection.closed();
      goDown();
      await followed;
      if (!closing.signal.aborted) log.warn({ err: reason }, 'The connection to NATS was closed');
    }
  }

  const running = run();
  return {
    nc: () => nc,
    up: () => prepared,
    onUp: (callback) => subscribe(up, callback),
    onDown: (callback) => subscribe(down, callback),
    close: async () => {
      closing.abort();
      goDown();
      await nc?.close();
      await running;
      await nc?.close();
    },
  };
}

const PERSISTENT: ConnectionOptions = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
  reconnectJitter: 250,
  // Credentials may be corrected at the server while the process runs.
  ignoreAuthErrorAbort: true,
  pingInterval: 20_000,
  maxPingOut: 2,
  timeout: 5_000,
  // The client would take a stack trace for each request in case it fails, which is a fortieth of kustomize's CPU time.
  noAsyncTraces: true,
};

function subscribe(callbacks: Set<() => void>, callback: () => void): () => void {
  callbacks.add(callback);
  return () => void callbacks.delete(callback);
}

/** Tries with backoff until it succeeds or `signal` aborts; failures in a row are logged once. */
async function persist<T>(
  signal: AbortSignal,
  trouble: string,
  log: Logger,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  let delayMs = RETRY.minMs;
  let reported = '';
  while (!signal.aborted) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) return undefined;
      const message = error instanceof Error ? error.message : String(error);
      if (message !== reported) log.warn({ why: message }, `${trouble}, trying again`);
      reported = message;
    }
    await sleep(delayMs * (0.5 + Math.random()), undefined, { signal }).catch(ignoreAbort);
    delayMs = Math.min(delayMs * 2, RETRY.maxMs);
  }
  return undefined;
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
