import { type ConsumerMessages, DeliverPolicy } from '@nats-io/jetstream';
import { headers } from '@nats-io/nats-core';
import type { Logger } from '@weir/telemetry';
import { readBatch } from './batch.ts';
import type { Bus, Outgoing } from './bus.ts';
import {
  CLOUDEVENT_CONTENT_TYPE,
  type CloudEvent,
  decodeCloudEvent,
  encodeCloudEvent,
} from './cloudevents.ts';
import type { StreamName } from './definitions.ts';
import { manageStream } from './managed.ts';
import { pause } from './pause.ts';
import { stopOnTrouble } from './pulling.ts';
import { readMessage } from './read-message.ts';
import { createRecentlyPublished } from './recently-published.ts';
import { hasCode, isStreamGone } from './streams.ts';

/** The position of a message in its stream, without its content. */
export interface Head {
  sequence: number;
  subject: string;
  /** When the stream stored it, in ms since 1970. */
  atMs: number;
}

/** A message of the queue; `event` is undefined for one that is no CloudEvent. */
export interface QueuedMessage extends Head {
  event: CloudEvent | undefined;
}

/** A message for a queue. The stream drops a second message with the same `id`. */
export type QueueItem = Omit<Outgoing, 'stream' | 'namespace'> & {
  /** The sequence of the subject's newest message (0: there is none); if it is another one, nothing is published. */
  after?: number;
};

/** The stream is full and stores nothing more. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
  readonly reason = 'QueueFull';
  constructor(stream: string) {
    super(`the stream ${stream} is full`);
  }
}

/** The subject has a newer message than the publisher knew. */
export class SubjectConflict extends Error {
  override readonly name = 'SubjectConflict';
  readonly reason = 'SubjectConflict';
  constructor(subject: string) {
    super(`${subject} was published by somebody else meanwhile`);
  }
}

/**
 * A stream as a queue whose readers choose the order: a message stays until somebody removes it, and unfinished
 * messages don't delay the others. The readers agree among themselves which of them works on which message. All methods
 * reject with BusUnavailable while NATS is away.
 */
export interface WorkQueue {
  /** Resolves when the stream has it. Rejects with QueueFull when there is no room, and with SubjectConflict (see `after`). */
  publish(item: QueueItem): Promise<void>;
  /** Publishes without waiting for the stream's answer; does nothing while NATS is away. */
  note(item: Omit<QueueItem, 'after'>): void;
  /** The newest message of a subject, according to the stream's leader. */
  newest(subject: string): Promise<QueuedMessage | undefined>;
  /**
   * Undefined when it has been removed. What this process published within the last seconds is returned once without
   * asking the stream.
   */
  get(head: Head): Promise<QueuedMessage | undefined>;
  remove(head: Head): Promise<void>;
  /**
   * Everything that is queued under `filter`, oldest first, and then each new message, until `signal` aborts. It
   * continues after problems with NATS, and starts over when the stream was created anew.
   */
  heads(filter: string, signal: AbortSignal): AsyncGenerator<Head, void, undefined>;
  /** How many messages are queued for each subject under `filter`. */
  counts(filter: string): Promise<ReadonlyMap<string, number>>;
  /** The oldest messages under `filter`, `max` at most. */
  oldest(filter: string, max: number): Promise<QueuedMessage[]>;
  /** Removes what is queued under `filter` up to and with `sequence`. */
  removeUpTo(filter: string, sequence: number): Promise<void>;
  /** Removes all that is queued under `filter`. */
  removeAll(filter: string): Promise<void>;
  /** Removes all but the newest `count` messages under `filter`. */
  keepNewest(filter: string, count: number): Promise<void>;
}

// Error codes of the server (its errors.json).
const NO_MESSAGE = 10037;
const MESSAGE_DELETE_FAILED = 10057;
const STORE_FAILED = 10077;
const WRONG_LAST_SEQUENCE = 10071;
/** Messages that are read with one request. */
const BATCH = 500;

export function openQueue(options: { bus: Bus; stream: StreamName; log: Logger }): WorkQueue {
  const { bus, stream: name, log } = options;
  const manage = manageStream(bus, name);
  const published = createRecentlyPublished();
  // A stream that was created anew counts its messages from 1 again. After a new connection it may be such a stream.
  bus.onDisconnect(published.clear);
  bus.onRecreated((recreated) => {
    if (recreated === name) published.clear();
  });

  async function get(head: Head): Promise<QueuedMessage | undefined> {
    const known = published.take(head);
    if (known !== undefined) return { ...head, event: known };
    const query = { seq: head.sequence };
    const message = await manage((jsm) => readMessage(jsm, name, query));
    // A stream that was created anew counts from 1 again.
    if (message === undefined || message.subject !== head.subject) return undefined;
    return { ...head, event: decodeCloudEvent(message.data) };
  }

  async function oldest(filter: string, max: number): Promise<QueuedMessage[]> {
    const found: QueuedMessage[] = [];
    let more = true;
    while (more && found.length < max) {
      const batch = Math.min(max - found.length, BATCH);
      const query = { seq: (found.at(-1)?.sequence ?? 0) + 1, next_by_subj: filter, batch };
      const messages = await readBatch(bus, name, manage, query);
      for (const message of messages) {
        found.push({ ...headOf(message), event: decodeCloudEvent(message.data) });
      }
      more = messages.length === batch;
    }
    return found;
  }

  async function* heads(
    filter: string,
    signal: AbortSignal,
  ): AsyncGenerator<Head, void, undefined> {
    const position = { created: '', sequence: 0 };
    while (!signal.aborted) {
      const messages = await open(filter, position, signal);
      if (messages === undefined) continue;
      const release = stopOnTrouble(bus, name, messages, signal);
      try {
        for await (const message of messages) {
          position.sequence = message.seq;
          yield headOf(message);
          if (signal.aborted) return;
        }
      } finally {
        release();
        await messages.close();
      }
    }
  }

  async function open(
    filter: string,
    position: { created: string; sequence: number },
    signal: AbortSignal,
  ): Promise<ConsumerMessages | undefined> {
    try {
      const js = await bus.available(signal, name);
      const { created } = await manage((jsm) => jsm.streams.info(name));
      if (created !== position.created) Object.assign(position, { created, sequence: 0 });
      const consumer = await js.consumers.get(name, {
        filter_subjects: filter,
        headers_only: true,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: position.sequence + 1,
      });
      return await consumer.consume({ idle_heartbeat: 5_000 });
    } catch (error) {
      if (signal.aborted) return undefined;
      if (isStreamGone(error)) bus.streamMissing(name);
      log.debug({ err: error, stream: name }, 'Reading a queue was interrupted');
      await pause(200, signal);
      return undefined;
    }
  }

  function encode(item: QueueItem) {
    const header = headers();
    header.set('content-type', CLOUDEVENT_CONTENT_TYPE);
    if (item.traceparent !== undefined) header.set('traceparent', item.traceparent);
    const { after: _, ...event } = item;
    return { header, bytes: encodeCloudEvent({ ...event, time: new Date() }) };
  }

  return {
    async publish(item) {
      const { subject, id, after } = item;
      const { header, bytes } = encode(item);
      try {
        const { seq, duplicate } = await manage(async () =>
          (await bus.jetstream()).publish(subject, bytes, {
            ...{ msgID: id, headers: header },
            ...(after === undefined ? {} : { expect: { lastSubjectSequence: after } }),
          }),
        );
        if (!duplicate) published.add({ sequence: seq, subject }, bytes);
      } catch (error) {
        if (hasCode(error, STORE_FAILED)) throw new QueueFull(name);
        if (hasCode(error, WRONG_LAST_SEQUENCE)) throw new SubjectConflict(subject);
        throw error;
      }
    },
    note(item) {
      const { header, bytes } = encode(item);
      if (bus.connected()) bus.nc()?.publish(item.subject, bytes, { headers: header });
    },
    get,
    async newest(subject) {
      const query = { last_by_subj: subject };
      const message = await manage((jsm) => jsm.streams.getMessage(name, query));
      return message === null
        ? undefined
        : { ...headOf(message), event: decodeCloudEvent(message.data) };
    },
    async remove(head) {
      try {
        // The message is not overwritten on the disk: its removal is enough, and much cheaper.
        await manage((jsm) => jsm.streams.deleteMessage(name, head.sequence, false));
      } catch (error) {
        const failed = hasCode(error, NO_MESSAGE) || hasCode(error, MESSAGE_DELETE_FAILED);
        if (!failed || (await get(head)) !== undefined) throw error;
      }
    },
    heads,
    async counts(filter) {
      const { state } = await manage((jsm) => jsm.streams.info(name, { subjects_filter: filter }));
      return new Map(Object.entries(state.subjects ?? {}));
    },
    oldest,
    async removeUpTo(filter, sequence) {
      published.clear();
      await manage((jsm) => jsm.streams.purge(name, { filter, seq: sequence + 1 }));
    },
    async removeAll(filter) {
      published.clear();
      await manage((jsm) => jsm.streams.purge(name, { filter }));
    },
    async keepNewest(filter, count) {
      published.clear();
      await manage((jsm) => jsm.streams.purge(name, { filter, keep: count }));
    },
  };
}

function headOf(message: { seq: number; subject: string; time: Date }): Head {
  return { sequence: message.seq, subject: message.subject, atMs: message.time.getTime() };
}
