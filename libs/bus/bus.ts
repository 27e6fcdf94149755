import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { errors, headers, type NatsConnection, type TlsOptions } from '@nats-io/nats-core';
import type { Logger, Metrics } from '@weir/telemetry';
import { CLOUDEVENT_CONTENT_TYPE, encodeCloudEvent } from './cloudevents.ts';
import { openConnection } from './connection.ts';
import { type BusCredentials, loginOptions } from './credentials.ts';
import { keepsNewestOnly, type StreamName, type StreamSettings, streamsOf } from './definitions.ts';
import { createMalformedReport, type ReportMalformed } from './malformed.ts';
import { createMissingStreams } from './missing.ts';
import { createOutbox } from './outbox.ts';
import { createOwnedStreams } from './owned.ts';
import { findStream, isStreamGone, isTooLarge } from './streams.ts';

export interface BusOptions extends StreamSettings {
  /** NATS URLs, with commas between them; the default is NATS_URL, else nats://127.0.0.1:4222. */
  servers?: string;
  /** The cluster that our messages are about: a token of every subject. */
  cluster: string;
  /** Name of this client, such as the service and its pod. */
  name: string;
  /** The service: the bus creates the streams that it owns, and replies come to `_INBOX.<service>`. */
  service?: string;
  /** The streams to create, in place of those that `service` owns: for tests. */
  owns?: readonly StreamName[];
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
  /**
   * The namespace of the message: when the outbox is full, the oldest message of the namespace with the most bytes is
   * dropped.
   */
  namespace: string;
  /** Unique to what happened: the stream drops a second message with it (`Nats-Msg-Id`). */
  id: string;
  type: string;
  source: string;
  data: unknown;
  traceparent?: string | undefined;
}

/** NATS, or a stream, is not available (yet). Callers that need it can wait for `available` or `onReconnect`. */
export class BusUnavailable extends Error {
  readonly reason = 'BusUnavailable';
  constructor(message = 'NATS is not available', options?: ErrorOptions) {
    super(message, options);
    this.name = 'BusUnavailable';
  }
}

export interface Bus {
  readonly cluster: string;
  /** Instruments of the service. */
  readonly metrics: Metrics;
  /**
   * Resolves when NATS is available for the first time, with the streams of this service. Rejects only after `close`.
   */
  readonly ready: Promise<void>;
  nc(): NatsConnection | undefined;
  connected(): boolean;
  /** Rejects with BusUnavailable while NATS is away. */
  jetstream(): Promise<JetStreamClient>;
  /** Waits for NATS, and for `stream` if given; rejects with the signal's reason, or with BusUnavailable once closed. */
  available(signal: AbortSignal, stream?: StreamName): Promise<JetStreamClient>;
  /**
   * Called each time when NATS becomes available and our streams exist. Returns a function that ends the subscription.
   */
  onReconnect(callback: () => void): () => void;
  onDisconnect(callback: () => void): () => void;
  /**
   * Called when a stream of this service was created anew, by this or another replica: its contents are gone, and what
   * should be in it has to be published again.
   */
  onRecreated(callback: (stream: StreamName) => void): () => void;
  /** Puts a message into the outbox. Never throws and never waits. */
  publish(message: Outgoing): void;
  /** Removes what a stream has under a subject, in order with what is published there. */
  purge(stream: StreamName, subject: string): void;
  /** Whether this service owns the stream. */
  owns(stream: StreamName): boolean;
  /**
   * A call found that the stream is missing: in the background it is created if it is ours, and otherwise waited for.
   */
  streamMissing(stream: StreamName): void;
  reportMalformed: ReportMalformed;
  /** Waits until the outbox is empty; resolves with false after `timeoutMs`, or at once if NATS was never available. */
  flush(timeoutMs: number): Promise<boolean>;
  /**
   * Called by `close` before it publishes the rest, with the time that is left (ms). Returns a function that ends the
   * subscription.
   */
  beforeClose(callback: (timeoutMs: number) => Promise<unknown>): () => void;
  /** Publishes the rest, for at most `timeoutMs` (3 s), and disconnects. */
  close(timeoutMs?: number): Promise<void>;
}

const PUBLISH_TIMEOUT_MS = 5_000;
const PURGE_BYTES = 64;

/**
 * A bus that is usable at once: it connects in the background and keeps trying, creates or updates the streams that its
 * service owns at each connect, and keeps what is published meanwhile in a bounded outbox. A stream of another service
 * that is missing is waited for, and delays only what is published to it.
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const { cluster, log, metrics } = options;
  const servers = options.servers ?? process.env.NATS_URL ?? 'nats://127.0.0.1:4222';
  const connected = metrics.gauge(
    'weir_nats_connected',
    '1 while NATS and the streams of this service are there.',
  );
  const closed = new AbortController();
  const owned = createOwnedStreams({
    names: options.owns ?? streamsOf(options.service ?? ''),
    settings: options,
    log,
  });
  const closing = new Set<(timeoutMs: number) => Promise<unknown>>();

  const connection = openConnection({
    name: options.name,
    options: async () => ({
      ...(await loginOptions(servers, options.credentials, options.tls)),
      ...(options.service === undefined ? {} : { inboxPrefix: `_INBOX.${options.service}` }),
    }),
    prepare: (nc) => owned.ensureAll(jetstream(nc, { timeout: PUBLISH_TIMEOUT_MS })),
    log,
  });

  const missing = createMissingStreams({
    find: async (stream) => {
      const js = currentJetstream();
      if (owned.has(stream)) await owned.ensure(js, stream);
      else return (await findStream(await js.jetstreamManager(false), stream)) !== undefined;
      return true;
    },
    signal: closed.signal,
    log,
  });
  missing.onChange((stream, isMissing) => {
    if (isMissing) outbox.hold(stream, { soon: owned.has(stream) });
    else outbox.release(stream);
  });

  const outbox = createOutbox({
    maxMessages: options.outbox?.maxMessages ?? 10_000,
    maxBytes: options.outbox?.maxBytes ?? 32 * 1024 ** 2,
    concurrency: 64,
    retry: { minMs: 100, maxMs: 5_000 },
    // A payload above the limit of the server or of the stream, or an invalid subject.
    isPermanent: (error) => error instanceof errors.InvalidArgumentError || isTooLarge(error),
    onFailure: (error, { stream }) => {
      if (isStreamGone(error)) missing.report(stream);
    },
    log,
    metrics,
  });

  function currentJetstream(): JetStreamClient {
    const nc = connection.nc();
    if (nc === undefined || !connection.up()) throw new BusUnavailable();
    return jetstream(nc, { timeout: PUBLISH_TIMEOUT_MS });
  }

  async function available(signal: AbortSignal, stream?: StreamName): Promise<JetStreamClient> {
    const isThere = () => connection.up() && (stream === undefined || !missing.has(stream));
    if (isThere() && !signal.aborted) return currentJetstream();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const either = AbortSignal.any([signal, closed.signal]);
    const look = () => {
      if (isThere()) resolve();
    };
    const abort = () => reject(either.reason);
    const stops = [connection.onUp(look), missing.onChange(look)];
    either.addEventListener('abort', abort, { once: true });
    if (either.aborted) abort();
    look();
    try {
      await promise;
    } finally {
      for (const stop of stops) stop();
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
      namespace: message.namespace,
      bytes: encoded.length + message.subject.length,
      replaces: keepsNewestOnly(message.stream),
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
    const bytes = PURGE_BYTES + subject.length;
    outbox.add({ stream, subject, namespace: '', bytes, replaces: true, send });
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
    metrics,
    ready,
    nc: connection.nc,
    connected: connection.up,
    jetstream: async () => currentJetstream(),
    available,
    onReconnect: connection.onUp,
    onDisconnect: connection.onDown,
    onRecreated: owned.onRecreated,
    publish,
    purge,
    owns: owned.has,
    streamMissing: missing.report,
    reportMalformed: createMalformedReport(log, metrics),
    flush,
    beforeClose: (callback) => {
      closing.add(callback);
      return () => void closing.delete(callback);
    },
    close: async (timeoutMs = 3_000) => {
      const callbacks = [...closing];
      closing.clear();
      for (const ended of await Promise.allSettled(callbacks.map((each) => each(timeoutMs)))) {
        if (ended.status === 'rejected') log.error({ err: ended.reason }, 'Closing the bus');
      }
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
