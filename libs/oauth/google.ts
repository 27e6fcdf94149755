// Tokens for keys of service accounts: Google, "Using OAuth 2.0 for Server to Server Applications".
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { TokenError } from './errors.ts';
import { postForm } from './exchange.ts';
import { signJwt } from './jwt.ts';
import type { AccessToken, TokenRequest } from './token.ts';

/** The key of a service account. */
export interface GoogleKey {
  email: string;
  keyId: string;
  /** PEM. */
  privateKey: string;
  /** URL that tokens are requested from. */
  tokenUrl: string;
}

const TOKEN_URL = 'https://oauth2.googleapis.com/token';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Seconds; Google accepts an hour at most. */
const LIFETIME = 3600;

/**
 * Reads the JSON file of a service account key. Other kinds of credentials are refused, because some of them name files
 * and programs of the machine that reads them.
 * @throws TokenError that says what is wrong and quotes nothing of the file
 */
export function parseGoogleKey(text: string): GoogleKey {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The cause is left out, as it may quote the key.
    throw new TokenError('it is no JSON');
  }
  const { type, client_email, private_key_id, private_key, token_uri } = Object(parsed) as Record<
    string,
    unknown
  >;
  if (type !== 'service_account') {
    throw new TokenError("it is no service account key: its 'type' is not 'service_account'");
  }
  if (typeof client_email !== 'string' || typeof private_key !== 'string') {
    throw new TokenError("it lacks 'client_email' or 'private_key'");
  }
  return {
    email: client_email,
    privateKey: private_key,
    keyId: typeof private_key_id === 'string' ? private_key_id : '',
    tokenUrl: typeof token_uri === 'string' && token_uri !== '' ? token_uri : TOKEN_URL,
  };
}

/**
 * Requests a token for a service account.
 * @param scope such as `https://www.googleapis.com/auth/cloud-platform`
 * @throws TokenError
 */
export async function googleToken(
  key: GoogleKey,
  scope: string,
  request: TokenRequest,
): Promise<AccessToken> {
  const { url, assertion } = googleAssertion(key, scope);
  return postForm(url, { grant_type: JWT_BEARER, assertion }, request);
}

/**
 * The signed assertion of a key, and the URL to post it to.
 * @throws TokenError for a key or a URL that can't be used
 */
export function googleAssertion(
  { email, keyId, privateKey, tokenUrl }: GoogleKey,
  scope: string,
): { url: URL; assertion: string } {
  const url = URL.parse(tokenUrl);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new TokenError("'token_uri' of the service account key is no URL");
  }
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: email, scope, aud: tokenUrl, iat: now, exp: now + LIFETIME };
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === '' ? {} : { kid: keyId }) };
  return { url, assertion: signJwt(header, claims, keyOf(privateKey)) };
}

function keyOf(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // The message of OpenSSL is left out, as it could quote the key.
    throw new TokenError("'private_key' of the service account key can not be read");
  }
  throw new TokenError("'private_key' of the service account key is none of RSA");
}
