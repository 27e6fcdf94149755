import type { Credentials } from './docker-config.ts';
import { OciError } from './errors.ts';

/** A bearer token of a registry. */
export interface Token {
  value: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/**
 * Sends a request to a token server and reads the answer.
 * @throws OciError; one with status 404 or 405 for a method that the server doesn't have
 */
export type TokenRequest = (request: {
  method: 'GET' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}) => Promise<Buffer>;

export interface TokenOptions {
  realm: URL;
  service: string | undefined;
  /** Such as `repository:org/app:pull`. */
  scope: string;
  credentials: Credentials | undefined;
  sendToken: TokenRequest;
  signal: AbortSignal;
}

/** A token without an age is good for a minute (distribution, "Token Authentication Specification"). */
const DEFAULT_AGE_SECONDS = 60;
const MAX_AGE_SECONDS = 24 * 60 * 60;
const CLIENT_ID = 'weir';

/**
 * Gets a token for a scope: with a name and a password by GET, with a refresh token by POST (OAuth 2), and by GET where
 * the server has no POST; without credentials as an anonymous client.
 * @throws OciError InvalidResponse for an answer without a token; what `sendToken` throws
 */
export async function fetchToken(options: TokenOptions): Promise<Token> {
  const { credentials } = options;
  if (credentials === undefined || !('identityToken' in credentials)) return byGet(options);
  try {
    return await byPost(options, credentials.identityToken);
  } catch (error) {
    const isMissing = error instanceof OciError && (error.status === 404 || error.status === 405);
    if (!isMissing) throw error;
    return byGet(options);
  }
}

async function byGet(options: TokenOptions): Promise<Token> {
  const { realm, service, scope, credentials, sendToken, signal } = options;
  const url = new URL(realm);
  url.searchParams.append('scope', scope);
  if (service !== undefined) url.searchParams.set('service', service);
  const headers: Record<string, string> = {};
  const login = loginOf(credentials);
  if (login !== undefined) {
    headers.authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  }
  return parseToken(await sendToken({ method: 'GET', url, headers, signal }));
}

function loginOf(credentials: Credentials | undefined): string | undefined {
  if (credentials === undefined) return undefined;
  if ('username' in credentials) return `${credentials.username}:${credentials.password}`;
  // Docker's convention for a refresh token that has to go where a password goes.
  if ('identityToken' in credentials) return `<token>:${credentials.identityToken}`;
  return undefined;
}

async function byPost(options: TokenOptions, refreshToken: string): Promise<Token> {
  const { realm, service, scope, sendToken, signal } = options;
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: CLIENT_ID,
    scope,
    ...(service === undefined ? {} : { service }),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const request = { method: 'POST' as const, url: realm, headers, body: body.toString(), signal };
  return parseToken(await sendToken(request));
}

function parseToken(body: Buffer): Token {
  let answer: Record<string, unknown>;
  try {
    answer = (JSON.parse(body.toString('utf8')) ?? {}) as Record<string, unknown>;
  } catch {
    // The text isn't quoted: part of it may be a token.
    throw new OciError('InvalidResponse', 'the token server answered with no JSON');
  }
  const value = [answer.access_token, answer.token].find((it) => typeof it === 'string' && it);
  // A header can't hold other characters, and must not be made to hold another header.
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,12000}$/.test(value)) {
    throw new OciError('InvalidResponse', 'no token in bearer response');
  }
  const { expires_in: age = DEFAULT_AGE_SECONDS } = answer;
  const seconds = typeof age === 'number' && age > 0 ? age : DEFAULT_AGE_SECONDS;
  return { value, expiresAt: Date.now() + Math.min(seconds, MAX_AGE_SECONDS) * 1_000 };
}
