import { createBoundedMap } from '@weir/async';
import { type CloudEvent, decodeCloudEvent } from './cloudevents.ts';

interface Place {
  sequence: number;
  subject: string;
}

/**
 * Keeps what this process has just published to a stream, because its own reader asks for it next and need not ask the
 * server then.
 */
export interface RecentlyPublished {
  add(place: Place, bytes: Uint8Array): void;
  /** Returns a message once: a second caller has to ask the stream, which knows whether the message is still there. */
  take(place: Place): CloudEvent | undefined;
  clear(): void;
}

const MAX_BYTES = 4 * 1024 ** 2;
/** Other processes may remove a message from the stream at any time, so an older one has to be read from there. */
const MAX_AGE_MS = 5_000;

export function createRecentlyPublished(
  now: () => number = () => performance.now(),
): RecentlyPublished {
  const kept = createBoundedMap<string, { bytes: Uint8Array; atMs: number }>({
    max: MAX_BYTES,
    weigh: ({ bytes }, key) => bytes.length + 2 * key.length,
  });
  const keyOf = ({ sequence, subject }: Place) => `${sequence} ${subject}`;
  return {
    add: (place, bytes) => kept.set(keyOf(place), { bytes, atMs: now() }),
    take(place) {
      const key = keyOf(place);
      const found = kept.get(key);
      kept.delete(key);
      if (found === undefined || now() - found.atMs > MAX_AGE_MS) return undefined;
      return decodeCloudEvent(found.bytes);
    },
    clear: kept.clear,
  };
}
