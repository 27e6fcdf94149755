import { createHmac, randomBytes } from 'node:crypto';
import { createBoundedMap } from './bounded-map.ts';
import { orAborted } from './or-aborted.ts';
import { createSingleFlight } from './single-flight.ts';

/** Something that expires, such as a token. */
export interface Expiring {
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Observes a cache, for metrics. */
export interface CacheRecorder {
  /** A value was requested; `isKept` says whether the cache had it. */
  wanted(isKept: boolean): void;
  /** A value was made, or could not be made. */
  made(isMade: boolean): void;
  /** The number of values has changed by this much; negative for fewer. */
  grew(by: number): void;
  /** A value was dropped for lack of room. */
  evicted(): void;
}

export interface ExpiringCacheOptions {
  /** The number of values that are kept; 0 keeps none. */
  max: number;
  /** The longest that a value is kept, in ms; until it expires unless given. */
  maxAgeMs?: number;
  recorder?: CacheRecorder | undefined;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/**
 * Values by their inputs, which are given as parts: everything that decides the value. Only a digest of the parts is
 * kept, because they may contain secrets.
 */
export interface ExpiringCache<V extends Expiring> {
  /** The kept value for these parts, if a fifth of its lifetime is left. */
  find(parts: readonly unknown[]): V | undefined;
  /**
   * Returns what `find` returns, or else a new value, which is made once for all that ask meanwhile. Rejects as `make`
   * does, and nothing is kept then; or with the reason of the signal, which ends the wait of this caller and not the
   * work that others share. So `make` must not depend on anything of its caller that ends sooner.
   */
  get(parts: readonly unknown[], make: () => Promise<V>, signal: AbortSignal): Promise<V>;
  /** Drops a value that turned out to be invalid. */
  delete(parts: readonly unknown[]): void;
}

/** The share of a lifetime for which a value is kept, as in kubelet: the rest is for the last caller that got it. */
const SHARE_OF_LIFE = 0.8;

interface Kept<V> {
  value: V;
  untilMs: number;
  /** The same time by the monotonic clock. */
  untilMonotonicMs: number;
}

/**
 * Keeps values for most of their lifetime, so that no caller gets one that is about to expire; the least recently used
 * ones are dropped when there are too many. It limits neither the time nor the number of values that are made at a
 * time: `make` uses the slots of what it calls.
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

  /** Runs a change and returns by how much the number of values grew. */
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
