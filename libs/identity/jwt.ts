// What a token says of itself. It is not verified: whoever it is for does that, and it came from who made it.
import { invalidAnswer } from './errors.ts';

export interface Claims {
  exp: number;
  sub: string | undefined;
  aud: readonly string[];
}

/** Characters of a token that are looked at. */
const MAX_TOKEN = 64 * 1024;

/**
 * When a JSON web token ends (`exp`, seconds since 1970), of whom it is, and for whom.
 * @param what the beginning of the message
 * @throws IdentityError InvalidAnswer
 */
export function claimsOf(token: string, what: string): Claims {
  const [, payload = '', signature] = token.slice(0, MAX_TOKEN).split('.');
  if (signature !== undefined) {
    try {
      const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
      const { exp, sub, aud } = Object(claims) as { exp?: unknown; sub?: unknown; aud?: unknown };
      if (typeof exp === 'number' && Number.isFinite(exp)) {
        const audiences = [aud].flat().filter((it) => typeof it === 'string');
        return { exp, sub: typeof sub === 'string' ? sub : undefined, aud: audiences };
      }
    } catch {
      // What the parser says quotes the token.
    }
  }
  throw invalidAnswer(`${what}: the token is no JSON web token that ends`);
}
