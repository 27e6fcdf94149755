// Access tokens, and how they are kept until they end.
import { createSingleFlight, orAborted } from '@weir/async';
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

/**
 * Keeps a token until shortly before it ends. Whoever asks meanwhile waits for the same answer, which the signal of one of
 * them doesn't end for the others.
 */
export function keepToken(ask: (signal: AbortSignal) => Promise<AccessToken>): TokenSource {
  const share = createSingleFlight<AccessToken>();
  let kept: { token: string; until: number } | undefined;
  return async (signal) => {
    if (kept !== undefined && Date.now() < kept.until) return kept.token;
    const asked = share('', () => ask(AbortSignal.timeout(ASKING_MS)));
    const { token, expiresAt } = await orAborted(asked, signal);
    const leftMs = expiresAt - Date.now();
    kept = { token, until: Date.now() + Math.max(leftMs - MARGIN_MS, leftMs * SHARE) };
    return token;
  };
}
