import { JetStreamError, type StoredMsg } from '@nats-io/jetstream';
import { type Bus, BusUnavailable } from './bus.ts';
import type { StreamName } from './definitions.ts';
import type { Manage } from './managed.ts';

/** Selects messages of a stream: `batch` at most, from `seq` on, of the subjects that the filter names. */
export interface BatchQuery {
  seq: number;
  next_by_subj: string;
  batch: number;
}

// Status of an answer that has no message (ADR-31).
const NOTHING_FOUND = 404;
/** The longest pause before the next message of an answer, in ms. */
const SILENCE_MS = 5_000;

/**
 * Reads several messages of a stream with one request, oldest first; an empty list if there are none. Rejects with
 * BusUnavailable when NATS goes away or stops answering in the middle: the client itself would wait without end for the
 * rest of an answer whose connection was closed.
 */
export async function readBatch(
  bus: Bus,
  stream: StreamName,
  manage: Manage,
  query: BatchQuery,
): Promise<StoredMsg[]> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const found: StoredMsg[] = [];
  const silent = setTimeout(() => {
    reject(new BusUnavailable(`NATS stopped in the middle of its answer from ${stream}`));
  }, SILENCE_MS);
  const stopWatching = bus.onDisconnect(() => reject(new BusUnavailable()));
  // A callback is used because only then the client ends its subscription at the end of the answer.
  const callback = (done: { err?: Error | undefined } | null, message: StoredMsg): void => {
    silent.refresh();
    if (done === null) found.push(message);
    else if (done.err === undefined || isNothingFound(done.err)) resolve();
    else reject(done.err);
  };
  // Nobody awaits the promise before the request is made.
  promise.catch(() => undefined);
  try {
    const answer = await manage((jsm) => jsm.direct.getBatch(stream, { ...query, callback }));
    await promise.finally(() => answer.stop());
    return found;
  } finally {
    clearTimeout(silent);
    stopWatching();
  }
}

function isNothingFound(error: unknown): boolean {
  return error instanceof JetStreamError && 'code' in error && error.code === NOTHING_FOUND;
}
