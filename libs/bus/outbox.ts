import type { Logger, Metrics } from '@weir/telemetry';
import type { StreamName } from './definitions.ts';
import { createShares } from './shares.ts';

/** A publish or a purge, in order with everything else for the same subject. */
export interface Posting {
  stream: StreamName;
  subject: string;
  /** The namespace of the object that the posting is about. */
  namespace: string;
  /** The bytes that the posting takes in memory. */
  bytes: number;
  /** Only the newest posting of a subject matters: it replaces an older one that still waits. */
  replaces: boolean;
  /** Resolves when the stream has it. */
  send(): Promise<unknown>;
}

export interface OutboxSettings {
  maxMessages: number;
  maxBytes: number;
  /** Postings under way at a time, each of another subject. */
  concurrency: number;
  retry: { minMs: number; maxMs: number };
  /** True for an error that another attempt can't mend. */
  isPermanent(error: unknown): boolean;
  /** Called after each failed attempt. */
  onFailure?(error: unknown, posting: Posting): void;
  log: Logger;
  metrics: Metrics;
}

/**
 * Keeps what must be published until its stream has it. Order is kept for each subject. It is bounded in count and
 * bytes: on overflow the oldest posting of the namespace with the most bytes for one stream is dropped, which is
 * counted, and logged once for a burst. So a stream that is missing, or a namespace that publishes a lot, displaces
 * nothing of others.
 */
export interface Outbox {
  add(posting: Posting): void;
  /** The bus is available: sends. */
  resume(): void;
  /** The bus is away: postings under way count as failed and are kept. */
  pause(): void;
  /** The stream is missing: its postings are kept, and the rest is sent. `soon`: it is being created. */
  hold(stream: StreamName, options: { soon: boolean }): void;
  release(stream: StreamName): void;
  size(): { messages: number; bytes: number };
  /**
   * Waits until everything is sent. Resolves with false after `timeoutMs`, and at once when the rest is only for
   * streams that nobody is creating.
   */
  flush(timeoutMs: number): Promise<boolean>;
}

interface Entry extends Posting {
  inFlight: boolean;
  attempts: number;
}

export function createOutbox(settings: OutboxSettings): Outbox {
  const { log } = settings;
  // In order of arrival, so the first is the oldest.
  const entries = new Set<Entry>();
  const subjects = new Map<string, Entry[]>();
  // Subjects with something to send, of which nothing is under way or waits for its next attempt.
  const idle = new Set<string>();
  const waiters = new Set<(flushed: boolean) => void>();
  // Missing streams, with their subjects that have something to send.
  const held = new Map<StreamName, { subjects: Set<string>; soon: boolean }>();
  const counted = new Map<StreamName, number>();
  const shares = createShares<Entry>();
  const counts = instruments(settings.metrics);
  let bytes = 0;
  let inFlight = 0;
  let paused = true;
  // A function for each posting under way. A single promise for all of them to wait for would keep every one of them in
  // memory.
  const interrupts = new Set<(why: Error) => void>();
  let dropped = 0;

  function measure(): void {
    counts.messages.set(entries.size);
    counts.bytes.set(bytes);
  }

  function add(posting: Posting): void {
    if (posting.replaces) replaceWaiting(posting.subject);
    const entry: Entry = { ...posting, inFlight: false, attempts: 0 };
    entries.add(entry);
    shares.add(entry);
    count(entry.stream, 1);
    bytes += entry.bytes;
    const queue = subjects.get(entry.subject);
    if (queue === undefined) {
      subjects.set(entry.subject, [entry]);
      idle.add(entry.subject);
    } else {
      queue.push(entry);
    }
    makeRoom();
    measure();
    pump();
  }

  function count(stream: StreamName, by: number): void {
    counted.set(stream, (counted.get(stream) ?? 0) + by);
  }

  function replaceWaiting(subject: string): void {
    for (const entry of subjects.get(subject)?.filter((waiting) => !waiting.inFlight) ?? []) {
      remove(entry);
    }
  }

  function makeRoom(): void {
    while (entries.size > settings.maxMessages || bytes > settings.maxBytes) {
      const entry = shares.oldestOfLargest(({ inFlight }) => !inFlight);
      if (entry === undefined) return;
      remove(entry);
      countDrop(entry, 'overflow');
    }
  }

  function countDrop(entry: Entry, cause: 'overflow' | 'refused'): void {
    counts.dropped.add(1, { stream: entry.stream, cause });
    if (cause !== 'overflow') return;
    if (dropped === 0) {
      log.error(
        { messages: settings.maxMessages, bytes: settings.maxBytes, stream: entry.stream },
        'The outbox is full and drops the oldest messages of whoever has the most: is NATS away for long?',
      );
    }
    dropped += 1;
  }

  function remove(entry: Entry): void {
    entries.delete(entry);
    shares.remove(entry);
    count(entry.stream, -1);
    bytes -= entry.bytes;
    const queue = (subjects.get(entry.subject) ?? []).filter((other) => other !== entry);
    if (queue.length > 0) {
      subjects.set(entry.subject, queue);
    } else {
      subjects.delete(entry.subject);
      idle.delete(entry.subject);
    }
  }

  function pump(): void {
    for (const subject of idle) {
      if (paused || inFlight >= settings.concurrency) return;
      const entry = subjects.get(subject)?.[0];
      idle.delete(subject);
      if (entry === undefined) continue;
      const hold = held.get(entry.stream);
      if (hold === undefined) void send(entry);
      else hold.subjects.add(subject);
    }
  }

  async function send(entry: Entry): Promise<void> {
    entry.inFlight = true;
    entry.attempts += 1;
    inFlight += 1;
    let delayMs = 0;
    const away = Promise.withResolvers<never>();
    interrupts.add(away.reject);
    try {
      await Promise.race([entry.send(), away.promise]);
      finish(entry);
      counts.published.add(1, { stream: entry.stream });
    } catch (error) {
      delayMs = failed(entry, error);
    }
    interrupts.delete(away.reject);
    inFlight -= 1;
    entry.inFlight = false;
    measure();
    schedule(entry.subject, delayMs);
  }

  function failed(entry: Entry, error: unknown): number {
    if (settings.isPermanent(error)) {
      log.error(
        { err: error, subject: entry.subject },
        'A message cannot be published, dropped it',
      );
      countDrop(entry, 'refused');
      finish(entry);
      return 0;
    }
    if (paused) return 0;
    settings.onFailure?.(error, entry);
    // It is sent as soon as its stream is there.
    if (held.has(entry.stream)) return 0;
    if (entry.attempts === 1) {
      log.warn({ err: error, subject: entry.subject }, 'Publishing failed, trying again');
    }
    return Math.min(settings.retry.minMs * 2 ** (entry.attempts - 1), settings.retry.maxMs);
  }

  function finish(entry: Entry): void {
    remove(entry);
    if (entries.size > 0) {
      giveUpIfStuck();
      return;
    }
    if (dropped > 0) log.warn({ dropped }, 'The outbox is empty again; messages were lost before');
    dropped = 0;
    for (const waiter of [...waiters]) waiter(true);
  }

  /** Whether the rest is only for missing streams that nobody is creating. */
  function isStuck(): boolean {
    let waiting = 0;
    for (const [stream, { soon }] of held) waiting += soon ? 0 : (counted.get(stream) ?? 0);
    return waiting > 0 && waiting === entries.size;
  }

  function giveUpIfStuck(): void {
    if (isStuck()) for (const waiter of [...waiters]) waiter(false);
  }

  function schedule(subject: string, delayMs: number): void {
    const wake = () => {
      if (subjects.has(subject)) idle.add(subject);
      pump();
    };
    if (delayMs === 0) wake();
    else setTimeout(wake, delayMs).unref();
  }

  return {
    add,
    size: () => ({ messages: entries.size, bytes }),
    resume: () => {
      if (!paused) return;
      paused = false;
      pump();
    },
    pause: () => {
      if (paused) return;
      paused = true;
      for (const interrupt of interrupts) interrupt(new Error('the bus is away'));
    },
    hold: (stream, { soon }) => {
      if (!held.has(stream)) held.set(stream, { subjects: new Set(), soon });
      giveUpIfStuck();
    },
    release: (stream) => {
      for (const subject of held.get(stream)?.subjects ?? []) {
        if (subjects.has(subject)) idle.add(subject);
      }
      held.delete(stream);
      pump();
    },
    flush: async (timeoutMs) => {
      if (entries.size === 0) return true;
      if (isStuck()) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(resolve, timeoutMs, false);
      waiters.add(resolve);
      const flushed = await promise;
      clearTimeout(timer);
      waiters.delete(resolve);
      return flushed;
    },
  };
}

function instruments(metrics: Metrics) {
  return {
    messages: metrics.gauge('weir_outbox_messages', 'Messages that wait to be published.'),
    bytes: metrics.gauge('weir_outbox_bytes', 'Bytes of the messages that wait to be published.'),
    published: metrics.counter('weir_published_total', 'Messages that a stream has acknowledged.'),
    dropped: metrics.counter(
      'weir_outbox_dropped_total',
      'Messages that were never published: the outbox was full, or the server refused them.',
    ),
  };
}
