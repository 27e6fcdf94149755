import type { Consumer, JsMsg } from '@nats-io/jetstream';
import type { Logger, Metrics } from '@weir/telemetry';
import type { Bus } from './bus.ts';
import { decodeCloudEvent } from './cloudevents.ts';
import { durableConsumer } from './consumer.ts';
import type { StreamName } from './definitions.ts';
import { createLossCounter, watchLosses } from './losses.ts';
import { pause } from './pause.ts';
import { stopOnTrouble } from './pulling.ts';
import { isStreamGone } from './streams.ts';

/** The result for a message: it is done, it is to be tried again after a while, or it is given up. */
export type Outcome = 'ack' | 'drop' | { retryInMs: number };

export interface MessageContext {
  traceparent?: string;
  /** 1 for the first delivery. */
  attempt: number;
  /** The CloudEvent's id: the same in each delivery. */
  id: string;
  /** Its sequence in the stream, by which `storedMessage` finds it. */
  sequence: number;
  /** Milliseconds since the stream took the event. */
  ageMs: number;
  /**
   * Aborts when the consumer is asked to stop. A handler that can't end soon may throw, and the message is delivered
   * again.
   */
  signal: AbortSignal;
}

export interface ConsumeOptions<T> {
  stream: StreamName;
  /** Which subjects of the stream. */
  filter: string;
  /** Parses the data of a CloudEvent; undefined for other data, which is logged, counted and dropped. */
  parse(data: unknown): T | undefined;
  /** Name of the consumer that all replicas of a service share. */
  durable: string;
  /** Messages handled at a time by this replica. */
  concurrency: number;
  signal: AbortSignal;
  /**
   * Called at least once for each message. When it throws, the error is logged and the message tried again with
   * backoff.
   */
  handle(data: T, context: MessageContext): Promise<Outcome>;
  /** After this time without a sign of life, a handler's process counts as dead. Milliseconds, 30 s. */
  ackWaitMs?: number;
  /**
   * Begins with messages that another process received and did not acknowledge, so that messages come in the order of
   * the stream. The caller makes sure that no other process consumes with this `durable` meanwhile.
   */
  ordered?: boolean;
  log?: Logger;
  metrics?: Metrics;
}

const RETRY = { minMs: 1_000, maxMs: 5 * 60_000 };

/**
 * Shares the messages of a stream among all processes that consume with the same `durable`, and acknowledges each after
 * it was handled. It continues after problems with NATS. Resolves when `signal` has aborted and the handlers under way
 * have ended.
 */
export async function consumeStream<T>(bus: Bus, options: ConsumeOptions<T>): Promise<void> {
  const { signal, log, stream } = options;
  const ackWaitMs = options.ackWaitMs ?? 30_000;
  const counts = instruments(options);
  const slots = createSlots(options.concurrency);
  const losses = createLossCounter();
  const deliver = (message: JsMsg) =>
    handleMessage(bus, message, { ...options, ackWaitMs }, counts);

  while (!signal.aborted) {
    try {
      const js = await bus.available(signal, stream);
      const { consumer, jsm } = await durableConsumer(js, {
        stream,
        durable: options.durable,
        cluster: bus.cluster,
        filter: options.filter,
        ackWaitMs,
      });
      if (options.ordered === true) {
        await slots.idle();
        await predecessorsDone(consumer, ackWaitMs, signal);
      }
      const stopWatching = await watchLosses(bus, jsm, consumer, losses, counts.lost);
      try {
        await pullWhileConnected(bus, stream, consumer, slots, deliver, options);
      } finally {
        stopWatching();
      }
    } catch (error) {
      if (signal.aborted) break;
      if (isStreamGone(error)) bus.streamMissing(stream);
      log?.debug({ err: error }, 'Reading a stream was interrupted');
      await pause(200, signal);
    }
  }
  await slots.idle();
}

/** Messages that a process received and did not acknowledge come again after the ack wait, before anything newer. */
async function predecessorsDone(consumer: Consumer, ackWaitMs: number, signal: AbortSignal) {
  const { num_ack_pending } = await consumer.info();
  if (num_ack_pending > 0) await pause(ackWaitMs + 500, signal);
}

async function pullWhileConnected(
  bus: Bus,
  stream: StreamName,
  consumer: Consumer,
  slots: Slots,
  deliver: (message: JsMsg) => Promise<void>,
  { signal, ordered = false }: { signal: AbortSignal; ordered?: boolean },
): Promise<void> {
  while (!signal.aborted && bus.connected()) {
    await slots.free();
    // It fetches as many as can be handled at once, so that no message waits here while its ack wait runs.
    const messages = await consumer.fetch({
      max_messages: slots.available(),
      expires: 30_000,
      idle_heartbeat: 5_000,
    });
    let interrupted = false;
    const release = stopOnTrouble(bus, stream, messages, signal, () => {
      interrupted = true;
    });
    try {
      for await (const message of messages) slots.run(() => deliver(message));
    } finally {
      release();
    }
    // Messages that were on their way to this process come again after the ack wait, and have to be handled before
    // anything newer.
    if (interrupted && ordered) return;
  }
}

interface Counts {
  handled(result: string): void;
  lost(count: number): void;
}

async function handleMessage<T>(
  bus: Bus,
  message: JsMsg,
  options: ConsumeOptions<T> & { ackWaitMs: number },
  counts: Counts,
): Promise<void> {
  const event = decodeCloudEvent(message.data);
  const data = event && options.parse(event.data);
  if (event === undefined || data === undefined) {
    bus.reportMalformed(options.stream, message.subject);
    counts.handled('malformed');
    return message.term('malformed');
  }
  const attempt = message.info.deliveryCount;
  const keepAlive = setInterval(() => message.working(), options.ackWaitMs / 3);
  try {
    const outcome = await options.handle(data, {
      ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
      attempt,
      id: event.id,
      sequence: message.seq,
      ageMs: Math.max(0, Date.now() - message.time.getTime()),
      signal: options.signal,
    });
    settle(message, outcome, counts);
  } catch (error) {
    const retryInMs = Math.min(RETRY.minMs * 2 ** (attempt - 1), RETRY.maxMs);
    options.log?.error(
      { err: error, id: event.id, attempt, retryInMs },
      'Handling a message failed',
    );
    settle(message, { retryInMs: options.signal.aborted ? 0 : retryInMs }, counts);
  } finally {
    clearInterval(keepAlive);
  }
}

function settle(message: JsMsg, outcome: Outcome, counts: Counts): void {
  if (outcome === 'ack') {
    message.ack();
    counts.handled('ack');
  } else if (outcome === 'drop') {
    message.term('dropped by its handler');
    counts.handled('drop');
  } else {
    message.nak(outcome.retryInMs);
    counts.handled('retry');
  }
}

function instruments({
  durable,
  metrics,
}: Pick<ConsumeOptions<never>, 'durable' | 'metrics'>): Counts {
  const handled = metrics?.counter('weir_events_handled_total', 'Deliveries of events, by result.');
  const lost = metrics?.counter(
    'weir_events_lost_total',
    'Events that fell out of the stream before they were delivered.',
  );
  lost?.add(0, { durable });
  return {
    handled: (result) => handled?.add(1, { durable, result }),
    lost: (count) => lost?.add(count, { durable }),
  };
}

interface Slots {
  available(): number;
  /** Resolves when a slot is free. */
  free(): Promise<void>;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
  run(task: () => Promise<void>): void;
}

function createSlots(limit: number): Slots {
  const running = new Set<Promise<void>>();
  return {
    available: () => Math.max(0, limit - running.size),
    free: async () => {
      while (running.size >= limit) await Promise.race(running);
    },
    idle: async () => {
      await Promise.all(running);
    },
    run: (task) => {
      const ended = task().finally(() => running.delete(ended));
      running.add(ended);
    },
  };
}
