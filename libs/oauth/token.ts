// Access tokens, and how they are kept until they end.
import { createBoundedMap, createSingleFlight, orAborted } from '@weir/async';
import type { Connections } from '@weir/net';

export interface AccessToken {
  token: string;
  /** When it ends, in ms since 1970. */
  expiresAt: number;
}

export interface TokenRequest {
  connections: Connections;
  signal: AbortSignal;
}

/** Gives a token that is good for some minutes. Rejects with a TokenError, or with the reason of the signal. */
export type TokenSource = (signal: AbortSignal) => Promise<string>;

/** A token that ends sooner than this is asked for anew: its use may take a while. Milliseconds. */
const MARGIN_MS = 5 * 60_000;
/** A token that lives shorter than the margin is used for half of its life. */
const SHARE = 0.5;
/** How long a token service may take. Milliseconds. */
const ASKING_MS = 30_000;

/** Gives the token of a key, kept or asked for by the function. */
export type TokenCache = (
  key: string,
  ask: (signal: AbortSignal) => Promise<AccessToken>,
  signal: AbortSignal,
) => Promise<string>;

/**
 * Keeps tokens until shortly before they end, and nothing of what they were asked for with. Those who ask for the same key at
 * the same time wait for one answer, which the signal of one of them doesn't end for the others.
 */
export function createTokenCache({ max }: { max: number }): TokenCache {
  const share = createSingleFlight<AccessToken>();
  const kept = createBoundedMap<string, { token: string; until: number }>({ max });
  return async (key, ask, signal) => {
    const known = kept.get(key);
    if (known !== undefined && Date.now() < known.until) return known.token;
    const asked = share(key, () => ask(AbortSignal.timeout(ASKING_MS)));
    const { token, expiresAt } = await orAborted(asked, signal);
    const leftMs = expiresAt - Date.now();
    kept.set(key, { token, until: Date.now() + Math.max(leftMs - MARGIN_MS, leftMs * SHARE) });
    return token;
  };
}

/** Keeps the one token of whoever holds the source, as a cache does. */
export function keepToken(ask: (signal: AbortSignal) => Promise<AccessToken>): TokenSource {
  const cached = createTokenCache({ max: 1 });
  return (signal) => cached('', ask, signal);
}
