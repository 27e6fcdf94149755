// What this process sent: one that is still, or again, in the stream is not sent again.
import { createBoundedMap } from '@weir/async';
import type { QueuedMessage } from '@weir/bus';

/** Remembers what was sent. Forgets the oldest of ten thousand. */
export interface Sent {
  has(message: QueuedMessage): boolean;
  add(message: QueuedMessage): void;
}

const MAX_SENT = 10_000;

/**
 * A delivery that was sent can be in the stream without having been removed (NATS was away), and also after it was: a
 * server that is killed may come back with what it had last written to its disk, and number what follows anew. So
 * deliveries are told apart by their own names, and those that were removed are remembered too.
 */
export function createSent(): Sent {
  const sent = createBoundedMap<string, true>({ max: MAX_SENT });
  return {
    has: (message) => sent.get(nameOf(message)) === true,
    add: (message) => void sent.set(nameOf(message), true),
  };
}

function nameOf({ event, subject, sequence }: QueuedMessage): string {
  return event?.id ?? `${sequence} ${subject}`;
}
