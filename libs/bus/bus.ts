import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { errors, headers, type NatsConnection, type TlsOptions } from '@nats-io/nats-core';
import type { Logger, Metrics } from '@weir/telemetry';
import { CLOUDEVENT_CONTENT_TYPE, encodeCloudEvent } from './cloudevents.ts';
import { openConnection } from './connection.ts';
import { type BusCredentials, loginOptions } from './credentials.ts';
import { createOutbox } from './outbox.ts';
import { ensureStreams, isStreamGone, type StreamName, type StreamSettings } from './streams.ts';

export interface BusOptions extends StreamSettings {
  /** NATS URLs, with commas between them; the default is NATS_URL, else nats://127.0.0.1:4222. */
  servers?: string;
  /** Which cluster our messages are about: a token of every subject. */
  cluster: string;
  /** Name of this client, such as the service and its pod. */
  name: string;
  credentials?: BusCredentials;
  tls?: TlsOptions;
  outbox?: { maxMessages?: number; maxBytes?: number };
  log: Logger;
  metrics: Metrics;
}

/** A message to be published as a CloudEvent. */
export interface Outgoing {
  stream: StreamName;
  subject: string;
  /** Unique to the happening: the stream drops a second message with it (`Nats-Msg-Id`). */
  id: string;
  type: string;
  source: string;
  data: unknown;
  traceparent?: string | undefined;
}

/** NATS is away, or its streams aren't ready yet. What needs it can wait for `onReconnect`. */
export class BusUnavailable extends Error {
  readonly reason = 'BusUnavailable';
  constructor() {
    super('NATS is not available');
    this.name = 'BusUnavailable';
  }
}

export interface Bus {
  readonly cluster: string;
  /** Resolves when NATS is there for the first time, with the streams. Rejects only by `close`. */
  readonly ready: Promise<void>;
  nc(): NatsConnection | undefined;
  connected(): boolean;
  /** Rejects with BusUnavailable while NATS is away. */
  jetstream(): Promise<JetStreamClient>;
  /** Waits for NATS; rejects with the signal's reason, or with BusUnavailable once closed. */
  available(signal: AbortSignal): Promise<JetStreamClient>;
  /** Called each time that NATS is there (again) and the streams exist. Returns the way to stop that. */
  onReconnect(callback: () => void): () => void;
  onDisconnect(callback: () => void): () => void;
  /**
   * Called when a stream was made anew, by us or by another: what it held is gone, and whoever has
   * something to keep there publishes it again.
   */
  onRecreated(callback: (stream: StreamName) => void): () => void;
  /** Puts a message into the outbox. Never throws and never waits. */
  publish(message: Outgoing): void;
  /** Removes what a stream holds under a subject, in order with what is published there. */
  purge(stream: StreamName, subject: string): void;
  /** Looks at the streams again: one of them turned out to be gone. */
  recheck(): void;
  /** Waits until the outbox is empty; false after `timeoutMs`, or at once if NATS was never there. */
  flush(timeoutMs: number): Promise<boolean>;
  /** Publishes what is left, for at most `timeoutMs` (3 s), and disconnects. */
  close(timeoutMs?: number): Promise<void>;
}

const PUBLISH_TIMEOUT_MS = 5_000;
const PURGE_BYTES = 64;

/**
 * A bus that is usable at once: it connects in the background and for ever, creates or migrates the streams
 * at each connect, and keeps what is published meanwhile in a bounded outbox.
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const { cluster, log, metrics } = options;
  const servers = options.servers ?? process.env.NATS_URL ?? 'nats://127.0.0.1:4222';
  const connected = metrics.gauge('weir_nats_connected', '1 while NATS and its streams are there.');
  const recreated = new Set<(stream: StreamName) => void>();
  const created = new Map<StreamName, string>();
  const closed = new AbortController();

  const connection = openConnection({
    name: options.name,
    options: () => loginOptions(servers, options.credentials, options.tls),
    prepare: async (nc) => {
      const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: PUBLISH_TIMEOUT_MS });
      for (const { info, made } of await ensureStreams(jsm, options, log)) {
        const name = info.config.name as StreamName;
        const before = created.get(name);
        created.set(name, info.created);
        if (made || (before !== undefined && before !== info.created)) {
          for (const callback of [...recreated]) callback(name);
        }
      }
    },
    log,
  });

  const outbox = createOutbox({
    maxMessages: options.outbox?.maxMessages ?? 10_000,
    maxBytes: options.outbox?.maxBytes ?? 32 * 1024 ** 2,
    concurrency: 64,
    retry: { minMs: 100, maxMs: 5_000 },
    // A payload above the server's limit, or a subject that is none.
    isPermanent: (error) => error instanceof errors.InvalidArgumentError,
    onFailure: (error) => {
      if (isStreamGone(error)) connection.recheck();
    },
    log,
    metrics,
  });

  function currentJetstream(): JetStreamClient {
    const nc = connection.nc();
    if (nc === undefined || !connection.up()) throw new BusUnavailable();
    return jetstream(nc, { timeout: PUBLISH_TIMEOUT_MS });
  }

  async function available(signal: AbortSignal): Promise<JetStreamClient> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const either = AbortSignal.any([signal, closed.signal]);
    const abort = () => reject(either.reason);
    const stop = connection.onUp(resolve);
    either.addEventListener('abort', abort, { once: true });
    if (either.aborted) abort();
    if (connection.up()) resolve();
    try {
      await promise;
    } finally {
      stop();
      either.removeEventListener('abort', abort);
    }
    return currentJetstream();
  }

  function publish(message: Outgoing): void {
    const encoded = encode(message, log);
    if (encoded === undefined) return;
    const header = headers();
    header.set('content-type', CLOUDEVENT_CONTENT_TYPE);
    if (message.traceparent !== undefined) header.set('traceparent', message.traceparent);
    outbox.add({
      stream: message.stream,
      subject: message.subject,
      bytes: encoded.length + message.subject.length,
      replaces: message.stream === 'artifacts',
      send: async () =>
        currentJetstream().publish(message.subject, encoded, {
          msgID: message.id,
          headers: header,
          timeout: PUBLISH_TIMEOUT_MS,
        }),
    });
  }

  function purge(stream: StreamName, subject: string): void {
    const send = async () => {
      const jsm = await currentJetstream().jetstreamManager(false);
      await jsm.streams.purge(stream, { filter: subject });
    };
    outbox.add({ stream, subject, bytes: PURGE_BYTES + subject.length, replaces: true, send });
  }

  async function flush(timeoutMs: number): Promise<boolean> {
    return outbox.flush(connection.nc() === undefined ? 0 : timeoutMs);
  }

  connected.set(0);
  connection.onUp(() => {
    connected.set(1);
    outbox.resume();
  });
  connection.onDown(() => {
    connected.set(0);
    outbox.pause();
  });
  const ready = available(closed.signal).then(() => undefined);
  ready.catch(() => undefined);

  return {
    cluster,
    ready,
    nc: connection.nc,
    connected: connection.up,
    jetstream: async () => currentJetstream(),
    available,
    onReconnect: connection.onUp,
    onDisconnect: connection.onDown,
    onRecreated: (callback) => {
      recreated.add(callback);
      return () => void recreated.delete(callback);
    },
    publish,
    purge,
    recheck: connection.recheck,
    flush,
    close: async (timeoutMs = 3_000) => {
      const flushed = await flush(timeoutMs);
      if (!flushed) log.warn(outbox.size(), 'Closing with messages that were not published');
      closed.abort(new BusUnavailable());
      await connection.close();
    },
  };
}

function encode(message: Outgoing, log: Logger): Uint8Array | undefined {
  try {
    return encodeCloudEvent({ ...message, time: new Date() });
  } catch (error) {
    log.error({ err: error, subject: message.subject }, 'A message is no JSON, dropped it');
    return undefined;
  }
}
