import { createBoundedMap } from '@weir/async';
import { type CloudEvent, decodeCloudEvent } from './cloudevents.ts';

interface Place {
  sequence: number;
  subject: string;
}

/**
 * What this process published to a stream a moment ago. Its own reader asks for it next, and is spared the way to the
 * server and back.
 */
export interface RecentlyPublished {
  add(place: Place, bytes: Uint8Array): void;
  /** Gives a message once: who asks a second time has the stream asked, which knows whether it is still there. */
  take(place: Place): CloudEvent | undefined;
  clear(): void;
}

const MAX_BYTES = 4 * 1024 ** 2;
/** Somebody else may remove a message from the stream at any time: an older one is better read there. */
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
