// Access tokens, and how they are kept until they end.
import { createExpiringCache, type Expiring } from '@weir/async';
import type { Connections } from '@weir/net';

export interface AccessToken extends Expiring {
  token: string;
}

export interface TokenRequest {
  connections: Connections;
  signal: AbortSignal;
}

/** Gives a token that is good for some minutes. Rejects with a TokenError, or with the reason of the signal. */
export type TokenSource = (signal: AbortSignal) => Promise<string>;

/** How long a token service may take. Milliseconds. */
const ASKING_MS = 30_000;

/** Gives the token of what it is for, kept or asked for by the function. */
export type TokenCache = (
  parts: readonly unknown[],
  ask: (signal: AbortSignal) => Promise<AccessToken>,
  signal: AbortSignal,
) => Promise<string>;

/**
 * Keeps tokens for most of their life, and nothing of what they were asked for with. Those who ask for the same at the same
 * time wait for one answer, which the signal of one of them doesn't end for the others.
 */
export function createTokenCache(options: { max: number }): TokenCache {
  const cache = createExpiringCache<AccessToken>(options);
  return async (parts, ask, signal) => {
    const asked = () => ask(AbortSignal.timeout(ASKING_MS));
    return (await cache.get(parts, asked, signal)).token;
  };
}

/** Keeps the one token of whoever holds the source, as a cache does. */
export function keepToken(ask: (signal: AbortSignal) => Promise<AccessToken>): TokenSource {
  const cached = createTokenCache({ max: 1 });
  return (signal) => cached([], ask, signal);
}
