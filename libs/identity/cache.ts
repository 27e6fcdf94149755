// Caches tokens for as long as they are valid; each is made once for all that need it.
import {
  type CacheRecorder,
  createExpiringCache,
  createFairLimit,
  type Expiring,
} from '@weir/async';
import { IdentityError } from './errors.ts';

export interface CacheOptions {
  /** Tokens that are kept; 0 keeps none (`--token-cache-max-size`). */
  max: number;
  /** The longest that a token is cached, in ms (`--token-cache-max-duration`). */
  maxAgeMs: number;
  /** Observes the cache, for metrics. */
  recorder?: CacheRecorder | undefined;
}

export interface TokenCache {
  /** The cached token for these parts, if a fifth of its lifetime is left. */
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

/** Tokens that are made at a time. */
const AT_A_TIME = 16;
/** The longest that making one may take, in ms. */
const MAKE_MS = 45_000;

/** @param now ms since 1970 */
export function createTokenCache(options: CacheOptions, now = Date.now): TokenCache {
  const cache = createExpiringCache({ ...options, now });
  const slots = createFairLimit(AT_A_TIME);
  const closing = new AbortController();

  async function make(work: (signal: AbortSignal) => Promise<Expiring>): Promise<Expiring> {
    const limit = AbortSignal.timeout(MAKE_MS);
    try {
      const token = await work(AbortSignal.any([closing.signal, limit]));
      if (token.expiresAt > now()) return token;
    } catch (cause) {
      if (!limit.aborted || cause instanceof IdentityError) throw cause;
      throw new IdentityError('Unavailable', `no token within ${MAKE_MS} ms`, { cause });
    }
    throw new IdentityError('InvalidAnswer', 'the token that was given has expired');
  }

  return {
    find: <T extends Expiring>(parts: readonly unknown[]) => cache.find(parts) as T | undefined,
    async get<T extends Expiring>(
      parts: readonly unknown[],
      tenant: string,
      work: (signal: AbortSignal) => Promise<T>,
      signal: AbortSignal,
    ): Promise<T> {
      const inSlot = () => slots.run(tenant, () => make(work), closing.signal);
      return (await cache.get(parts, inSlot, signal)) as T;
    },
    close: () => closing.abort(new Error('the identities are closed')),
  };
}
