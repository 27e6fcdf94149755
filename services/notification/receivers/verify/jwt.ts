// JSON Web Tokens of issuers that publish their keys (RFC 7515, RFC 7517, RFC 7519).
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { CallRefused, isRecord } from './request.ts';

export interface Jwt {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  /** What is signed. */
  signed: Buffer;
  signature: Buffer;
}

const MAX_TOKEN = 16 * 1024;
/** Seconds by which clocks may differ. */
const LEEWAY = 60;
/** Keys of an issuer that are used; an issuer has few. */
const MAX_KEYS = 100;
const MAX_RSA_BITS = 4_096;

interface Algorithm {
  hash: string;
  kty: string;
  options: { padding?: number; saltLength?: number; dsaEncoding?: 'ieee-p1363' };
}

const ECDSA = { dsaEncoding: 'ieee-p1363' } as const;
/** RFC 7518, 3.1, without `none` and those with a shared secret. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  RS256: { hash: 'sha256', kty: 'RSA', options: {} },
  RS384: { hash: 'sha384', kty: 'RSA', options: {} },
  RS512: { hash: 'sha512', kty: 'RSA', options: {} },
  ES256: { hash: 'sha256', kty: 'EC', options: ECDSA },
  ES384: { hash: 'sha384', kty: 'EC', options: ECDSA },
  ES512: { hash: 'sha512', kty: 'EC', options: ECDSA },
};

/** Parses a token without trusting it yet. Throws CallRefused. */
export function readJwt(token: string): Jwt {
  const parts = token.split('.');
  const [header = '', claims = '', signature = ''] = parts;
  if (token.length > MAX_TOKEN || parts.length !== 3) throw new CallRefused('the token is no JWT');
  return {
    header: readPart(header),
    claims: readPart(claims),
    signed: Buffer.from(`${header}.${claims}`),
    signature: Buffer.from(signature, 'base64url'),
  };
}

function readPart(part: string): Record<string, unknown> {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as unknown;
    if (isRecord(value)) return value;
  } catch (cause) {
    throw new CallRefused('the token is no JWT', { cause });
  }
  throw new CallRefused('the token is no JWT');
}

/** Whether one of the keys signed the token. `known` is false when none of them has the token's key id. */
export function isSigned(jwt: Jwt, keys: readonly JsonWebKey[]): { known: boolean; good: boolean } {
  const algorithm = ALGORITHMS[String(jwt.header.alg)];
  if (algorithm === undefined) throw new CallRefused('the token is signed in an unknown way');
  const { kid } = jwt.header;
  const candidates = keys
    .slice(0, MAX_KEYS)
    .filter((key) => key.kty === algorithm.kty && (kid === undefined || key.kid === kid));
  const good = candidates.some((key) => verifies(jwt, key, algorithm));
  return { known: candidates.length > 0, good };
}

function verifies({ signed, signature }: Jwt, jwk: JsonWebKey, algorithm: Algorithm): boolean {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_RSA_BITS) return false;
    return verify(algorithm.hash, signed, { key, ...algorithm.options }, signature);
  } catch {
    // An invalid key of an issuer verifies nothing, and another one may.
    return false;
  }
}

/** Checks the claims of a token: its expiry and its audience. Throws CallRefused. */
export function checkClaims({ claims }: Jwt, audience: string, now = Date.now()): void {
  const seconds = now / 1_000;
  const { exp, nbf, aud } = claims;
  if (typeof exp !== 'number') throw new CallRefused('the token has no expiry');
  if (exp <= seconds) throw new CallRefused('the token has expired');
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= seconds + LEEWAY)) {
    throw new CallRefused('the token is not valid yet');
  }
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(audience)) throw new CallRefused('the token is for another audience');
}
