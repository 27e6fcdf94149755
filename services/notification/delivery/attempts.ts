// Records in NATS what is being sent at the moment, so that after a crash others know: it may have arrived, and is sent
// again.
import { createBoundedMap } from '@weir/async';
import { subjectToken, type WorkQueue } from '@weir/bus';
import type { Logger, Metrics } from '@weir/telemetry';
import type { Send } from './send.ts';

/** Counts messages that are sent again although an earlier attempt, whose end nobody saw, may have delivered them. */
export interface Attempts {
  /** The same `send`, with its attempts recorded. */
  watch(send: Send): Send;
  /**
   * Reads what replicas that ended were sending. It is called when this replica starts, and when the replicas change.
   * Sends wait for it. Never rejects: while NATS is away nothing is sent either.
   */
  learn(): Promise<void>;
}

/**
 * Places for the notes of one replica, used in turn: more than are ever under way, so that the note of a message that
 * was sent stays until its delivery is removed.
 */
const PLACES = 256;
const MAX_NOTES = 10_000;

export function createAttempts(options: {
  cluster: string;
  instance: string;
  /** The stream of outcomes. */
  queue: Pick<WorkQueue, 'note' | 'oldest'>;
  metrics: Metrics;
  log: Logger;
}): Attempts {
  const { cluster, instance, queue, log } = options;
  const repeated = options.metrics.counter(
    'weir_notifications_repeated_total',
    'Messages sent again after an attempt whose end is not known: cut off at its time limit, or with its process.',
  );
  repeated.add(0);
  const unknown = createBoundedMap<string, true>({ max: MAX_NOTES });
  const underWay = new Set<string>();
  let turn = 0;
  let learning = Promise.resolve();

  /** It doesn't wait for the stream: a message must not be delayed by a count. */
  function note(place: number, message: string): void {
    queue.note({
      subject: `weir.attempt.${subjectToken(cluster)}.${subjectToken(instance)}.${place}`,
      id: crypto.randomUUID(),
      type: 'weir.attempt',
      source: `/clusters/${cluster}/notification/${instance}`,
      data: { message },
    });
  }

  async function read(): Promise<void> {
    try {
      const notes = await queue.oldest(`weir.attempt.${subjectToken(cluster)}.>`, MAX_NOTES);
      for (const { event } of notes) {
        const { message } = (event?.data ?? {}) as { message?: unknown };
        const isOwn = typeof message === 'string' && underWay.has(message);
        if (typeof message === 'string' && message !== '' && !isOwn) unknown.set(message, true);
      }
    } catch (error) {
      log.debug({ err: error }, 'What others were sending is not known');
    }
  }

  return {
    watch: (send) => async (message) => {
      await learning;
      const { id } = message;
      if (unknown.get(id) === true) repeated.add(1);
      unknown.delete(id);
      const place = turn;
      turn = (turn + 1) % PLACES;
      underWay.add(id);
      note(place, id);
      try {
        await send(message);
      } catch (error) {
        if (message.signal.aborted) unknown.set(id, true);
        else note(place, '');
        throw error;
      } finally {
        underWay.delete(id);
      }
    },
    learn() {
      learning = learning.then(read);
      return learning;
    },
  };
}
