import { createHash } from 'node:crypto';
import { createBoundedMap, createSingleFlight } from '@weir/async';

/** A token and when it ends, in milliseconds since 1970. */
export interface Token {
  token: string;
  expiresAtMs: number;
}

/** Tokens that are kept until shortly before they end. */
export interface Tokens {
  /**
   * The token for credentials, which are named by all that it depends on; only a digest of that is kept. `obtain` gets a new
   * one when there is none, or less than a tenth of its life is left. What it rejects with is not kept.
   */
  get(of: readonly (string | undefined)[], obtain: () => Promise<Token>): Promise<string>;
  /** Has the next call get a new one: the token was refused. */
  forget(of: readonly (string | undefined)[]): void;
}

const MAX_TOKENS = 5_000;
const LEFT = 0.1;

export function createTokens(now: () => number = Date.now): Tokens {
  const tokens = createBoundedMap<string, Token & { renewAtMs: number }>({ max: MAX_TOKENS });
  const flight = createSingleFlight<string>();
  const keyOf = (of: readonly (string | undefined)[]) =>
    createHash('sha256').update(JSON.stringify(of)).digest('base64');
  return {
    async get(of, obtain) {
      const key = keyOf(of);
      const known = tokens.get(key);
      if (known !== undefined && now() < known.renewAtMs) return known.token;
      return flight(key, async () => {
        const token = await obtain();
        const renewAtMs = token.expiresAtMs - LEFT * (token.expiresAtMs - now());
        tokens.set(key, { ...token, renewAtMs });
        return token.token;
      });
    },
    forget: (of) => tokens.delete(keyOf(of)),
  };
}
