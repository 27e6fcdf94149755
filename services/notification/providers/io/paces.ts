import { createHash } from 'node:crypto';
import { createBoundedMap } from '@weir/async';
import { DeliveryError } from '../../delivery/errors.ts';

/** Observes the rate limits that receivers ask for. */
export interface Paces {
  /**
   * Runs a call to a place, which is named by whatever tells it from others; only a digest of that is kept. Once an answer
   * there has asked to wait (`retryAfterMs` of a DeliveryError), calls are refused in the same way without being made, each
   * with a later time, so that they don't come back all at once.
   */
  run<T>(place: readonly (string | undefined)[], call: () => Promise<T>): Promise<T>;
}

/** The distance between the calls that wait, in ms. Chats accept about one message a second. */
const SPACING_MS = 1_000;
/** The longest pause that a receiver may ask for: a message is given up after a day. */
const MAX_WAIT_MS = 60 * 60_000;
const MAX_PLACES = 10_000;

export function createPaces(now: () => number = Date.now): Paces {
  const waits = createBoundedMap<string, { freeAtMs: number; waiting: number }>({
    max: MAX_PLACES,
  });
  return {
    async run(place, call) {
      const key = createHash('sha256').update(JSON.stringify(place)).digest('base64');
      const wait = waits.get(key);
      if (wait !== undefined && now() < wait.freeAtMs) {
        wait.waiting += 1;
        const retryAfterMs = wait.freeAtMs - now() + wait.waiting * SPACING_MS;
        const message = 'the receiver has asked to wait, as there were too many messages';
        throw new DeliveryError('Refused', message, { permanent: false, retryAfterMs });
      }
      try {
        return await call();
      } catch (error) {
        if (error instanceof DeliveryError && error.retryAfterMs !== undefined) {
          const freeAtMs = now() + Math.min(error.retryAfterMs, MAX_WAIT_MS);
          waits.set(key, { freeAtMs, waiting: 0 });
        }
        throw error;
      }
    },
  };
}
