// Remembers what this process sent, so that a delivery that is still, or again, in the stream is not sent again.
import { createBoundedMap } from '@weir/async';
import type { QueuedMessage } from '@weir/bus';

/** Remembers what was sent, up to ten thousand deliveries. */
export interface Sent {
  has(message: QueuedMessage): boolean;
  add(message: QueuedMessage): void;
}

const MAX_SENT = 10_000;

/**
 * A delivery that was sent can still be in the stream (NATS was away), and even after it was removed: a server that is
 * killed may come back with what it had last written to its disk, and count from there anew. So deliveries are
 * identified by their own ids, and those that were removed are remembered too.
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
