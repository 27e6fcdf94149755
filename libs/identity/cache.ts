// Tokens that are kept for as long as they hold, each made once for all who want it.
import { createHash } from 'node:crypto';
import { createBoundedMap, createFairLimit, createSingleFlight, orAborted } from '@weir/async';
import type { CacheRecorder } from './cache-metrics.ts';
import { IdentityError } from './errors.ts';
import type { Expiring } from './types.ts';

export interface CacheOptions {
  /** Tokens that are kept; 0 keeps none (`--token-cache-max-size`). */
  max: number;
  /** The longest that one is kept, in ms (`--token-cache-max-duration`). */
  maxAgeMs: number;
  /** What is told of it. */
  recorder?: CacheRecorder | undefined;
}

export interface TokenCache {
  /** The token of these parts that was made before and has a fifth of its life left. */
  find<T extends Expiring>(parts: readonly unknown[]): T | undefined;
  /**
   * The token of these parts: what `find` gives, or a new one. Work never waits for another token of the cache, which
   * would need a second slot.
   * @param parts all that decides whose token it is and for what
   * @param tenant the namespace that asks
   * @param make gets a signal of its own: several may wait for one token, and one who goes away doesn't end it for others
   */
  get<T extends Expiring>(
    parts: readonly unknown[],
    tenant: string,
    make: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>;
  close(): void;
}

interface Kept {
  value: Expiring;
  /** By the clock on the wall, and by the one that nobody sets. */
  untilMs: number;
  untilMonotonicMs: number;
}

/** Tokens that are made at a time. */
const AT_A_TIME = 16;
/** The longest that making one may take, in ms. */
const MAKE_MS = 45_000;
/** As kubelet does with tokens of accounts: the rest of its life is for whoever got it last. */
const SHARE_OF_LIFE = 0.8;

/** @param now ms since 1970 */
export function createTokenCache(
  { max, maxAgeMs, recorder }: CacheOptions,
  now = Date.now,
): TokenCache {
  const tokens = createBoundedMap<string, Kept>({ max });
  const share = createSingleFlight<Expiring>();
  const limit = createFairLimit(AT_A_TIME);
  const closing = new AbortController();

  function find(key: string): Expiring | undefined {
    const kept = tokens.get(key);
    if (kept === undefined) return undefined;
    if (kept.untilMs > now() && kept.untilMonotonicMs > performance.now()) return kept.value;
    counted(() => tokens.delete(key));
    return undefined;
  }

  /** Does what changes how many are kept. Returns by how many there are more. */
  function counted(change: () => void): number {
    const before = tokens.size();
    change();
    const by = tokens.size() - before;
    if (by !== 0) recorder?.grew(by);
    return by;
  }

  async function make(
    key: string,
    tenant: string,
    work: (signal: AbortSignal) => Promise<Expiring>,
  ): Promise<Expiring> {
    const value = await limit.run(
      tenant,
      () => {
        const limit = AbortSignal.timeout(MAKE_MS);
        return work(AbortSignal.any([closing.signal, limit])).catch((cause: unknown) => {
          if (!limit.aborted || cause instanceof IdentityError) throw cause;
          throw new IdentityError('Unavailable', `no token within ${MAKE_MS} ms`, { cause });
        });
      },
      closing.signal,
    );
    const lifeMs = value.expiresAt - now();
    if (!(lifeMs > 0)) {
      throw new IdentityError('InvalidAnswer', 'the token that was given has expired');
    }
    const keptMs = Math.min(lifeMs * SHARE_OF_LIFE, maxAgeMs);
    const untilMonotonicMs = performance.now() + keptMs;
    const kept = { value, untilMs: now() + keptMs, untilMonotonicMs };
    const isNew = tokens.get(key) === undefined;
    const by = counted(() => tokens.set(key, kept));
    if (isNew && by === 0 && max > 0) recorder?.evicted();
    return value;
  }

  async function recorded(making: Promise<Expiring>): Promise<Expiring> {
    try {
      const value = await making;
      recorder?.made(true);
      return value;
    } catch (error) {
      recorder?.made(false);
      throw error;
    }
  }

  return {
    find: <T extends Expiring>(parts: readonly unknown[]) => find(keyOf(parts)) as T | undefined,
    async get<T extends Expiring>(
      parts: readonly unknown[],
      tenant: string,
      work: (signal: AbortSignal) => Promise<T>,
      signal: AbortSignal,
    ): Promise<T> {
      const key = keyOf(parts);
      const kept = find(key);
      recorder?.wanted(kept !== undefined);
      if (kept !== undefined) return kept as T;
      return (await orAborted(
        share(key, () => recorded(make(key, tenant, work))),
        signal,
      )) as T;
    },
    close: () => closing.abort(new Error('the identities are closed')),
  };
}

/** Parts hold no token, but may hold a proxy's password. */
function keyOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
