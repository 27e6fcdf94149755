// Access tokens, and a cache that keeps them until shortly before they expire.
import { createExpiringCache, type Expiring } from '@weir/async';
import type { Connections } from '@weir/net';

export interface AccessToken extends Expiring {
  token: string;
}

export interface TokenRequest {
  connections: Connections;
  signal: AbortSignal;
}

/** Returns a token that is valid for some minutes. Rejects with a TokenError, or with the reason of the signal. */
export type TokenSource = (signal: AbortSignal) => Promise<string>;

/** How long a token service may take to answer, in milliseconds. */
const ASKING_MS = 30_000;

/** Gives the token of what it is for, kept or asked for by the function. */
export type TokenCache = (
  parts: readonly unknown[],
  ask: (signal: AbortSignal) => Promise<AccessToken>,
  signal: AbortSignal,
) => Promise<string>;

/**
 * Keeps each token for most of its lifetime, and nothing of the credentials that it was requested with. Callers that
 * request the same token at the same time share one request; when the signal of one of them aborts, the others still
 * get the answer.
 */
export function createTokenCache(options: { max: number }): TokenCache {
  const cache = createExpiringCache<AccessToken>(options);
  return async (parts, ask, signal) => {
    const asked = () => ask(AbortSignal.timeout(ASKING_MS));
    return (await cache.get(parts, asked, signal)).token;
  };
}

/** Keeps a single token in the same way, for the holder of the returned source. */
export function keepToken(ask: (signal: AbortSignal) => Promise<AccessToken>): TokenSource {
  const cached = createTokenCache({ max: 1 });
  return (signal) => cached([], ask, signal);
}
