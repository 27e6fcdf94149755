import { createHmac, randomBytes } from 'node:crypto';
import { createBoundedMap } from './bounded-map.ts';
import { orAborted } from './or-aborted.ts';
import { createSingleFlight } from './single-flight.ts';

/** Something that ends, such as a token. */
export interface Expiring {
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Is told what happens to a cache. */
export interface CacheRecorder {
  /** A value was wanted, and was there or not. */
  wanted(isKept: boolean): void;
  /** One was made, or could not be. */
  made(isMade: boolean): void;
  /** There are so many more values than before; a negative number for fewer. */
  grew(by: number): void;
  /** One was dropped for lack of room. */
  evicted(): void;
}

export interface ExpiringCacheOptions {
  /** How many values are kept; 0 keeps none. */
  max: number;
  /** The longest that one is kept, in ms; no limit but its own end unless given. */
  maxAgeMs?: number;
  recorder?: CacheRecorder | undefined;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/**
 * Values by what they depend on, which is named by parts: all that decides what is made. The parts are not kept, because
 * they may hold secrets, but a digest of them.
 */
export interface ExpiringCache<V extends Expiring> {
  /** The value of these parts that was made before and has a fifth of its life left. */
  find(parts: readonly unknown[]): V | undefined;
  /**
   * What `find` gives, or else a new value, which is made once for all who ask meanwhile. Rejects as `make` does, and nothing is
   * kept then; or with the reason of the signal, which ends the waiting of this caller and not the work that others share.
   * So `make` must not depend on anything of its caller's that ends sooner.
   */
  get(parts: readonly unknown[], make: () => Promise<V>, signal: AbortSignal): Promise<V>;
  /** Drops a value that turned out not to hold any more. */
  delete(parts: readonly unknown[]): void;
}

/** As kubelet does with tokens of accounts: the rest of its life is for whoever got the value last. */
const SHARE_OF_LIFE = 0.8;

interface Kept<V> {
  value: V;
  untilMs: number;
  /** The same by the clock that nobody sets. */
  untilMonotonicMs: number;
}

/**
 * Keeps values for most of their life, so that nobody gets one that is about to end, and those that were used least
 * recently go when there are too many. It bounds neither the time nor the number of values that are made at a time:
 * that is for `make`, whose slots are those of whatever it uses.
 */
export function createExpiringCache<V extends Expiring>(
  options: ExpiringCacheOptions,
): ExpiringCache<V> {
  const { max, maxAgeMs = Number.POSITIVE_INFINITY, recorder, now = Date.now } = options;
  const values = createBoundedMap<string, Kept<V>>({ max });
  const share = createSingleFlight<V>();
  const secret = randomBytes(32);
  const keyOf = (parts: readonly unknown[]) =>
    createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64');

  function find(key: string): V | undefined {
    const kept = values.get(key);
    if (kept === undefined) return undefined;
    if (kept.untilMs > now() && kept.untilMonotonicMs > performance.now()) return kept.value;
    counted(() => values.delete(key));
    return undefined;
  }

  function keep(key: string, value: V): void {
    const lifeMs = value.expiresAt - now();
    if (!(lifeMs > 0)) return;
    const keptMs = Math.min(lifeMs * SHARE_OF_LIFE, maxAgeMs);
    const untilMonotonicMs = performance.now() + keptMs;
    const isNew = values.get(key) === undefined;
    const by = counted(() => values.set(key, { value, untilMs: now() + keptMs, untilMonotonicMs }));
    if (isNew && by === 0 && max > 0) recorder?.evicted();
  }

  /** Does what changes how many are kept. Returns by how many there are more. */
  function counted(change: () => void): number {
    const before = values.size();
    change();
    const by = values.size() - before;
    if (by !== 0) recorder?.grew(by);
    return by;
  }

  async function made(key: string, make: () => Promise<V>): Promise<V> {
    try {
      const value = await make();
      keep(key, value);
      recorder?.made(true);
      return value;
    } catch (error) {
      recorder?.made(false);
      throw error;
    }
  }

  return {
    find: (parts) => find(keyOf(parts)),
    async get(parts, make, signal) {
      const key = keyOf(parts);
      const kept = find(key);
      recorder?.wanted(kept !== undefined);
      if (kept !== undefined) return kept;
      return orAborted(
        share(key, () => made(key, make)),
        signal,
      );
    },
    delete: (parts) => void counted(() => values.delete(keyOf(parts))),
  };
}
