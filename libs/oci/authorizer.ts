import type { IncomingMessage } from 'node:http';
import { type Challenge, parseChallenge } from './challenge.ts';
import type { Credentials } from './docker-config.ts';
import { OciError } from './errors.ts';
import { checkRealm } from './realm.ts';
import { fetchToken, type Token, type TokenRequest } from './token.ts';

/** Authenticates at a registry in the way that it requires, and keeps the tokens for that. */
export interface Authorizer {
  /**
   * The Authorization header for a request, once the registry has said what it requires; an expired token is replaced.
   */
  header(scope: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * The header to send after an answer 401 to a request that had `sent` as its header. Undefined when there is nothing
   * else to try: the credentials are wrong, or there are none.
   * @throws OciError Refused for a token server that must not be asked; what `fetchToken` throws
   */
  answer(
    response: IncomingMessage,
    request: { scope: string; sent: string | undefined; registry: URL; signal: AbortSignal },
  ): Promise<string | undefined>;
}

export interface AuthorizerOptions {
  credentials: Credentials | undefined;
  /** Sends a request to a token server. */
  sendToken: TokenRequest;
}

/** Scopes whose tokens are kept; a client of one repository has one. */
const MAX_TOKENS = 1_000;
/** A token is replaced so much before it expires, in ms, because a request takes a moment to arrive. */
const MARGIN_MS = 5_000;

export function createAuthorizer({ credentials, sendToken }: AuthorizerOptions): Authorizer {
  let challenge: Challenge | undefined;
  let realm: URL | undefined;
  const tokens = new Map<string, Token>();

  async function bearer(scope: string, signal: AbortSignal): Promise<string | undefined> {
    if (credentials !== undefined && 'registryToken' in credentials) {
      return `Bearer ${credentials.registryToken}`;
    }
    if (realm === undefined) return undefined;
    const service = challenge?.parameters.get('service');
    const token = await fetchToken({ realm, service, scope, credentials, sendToken, signal });
    const [oldest] = tokens.keys();
    if (tokens.size >= MAX_TOKENS && oldest !== undefined) tokens.delete(oldest);
    tokens.set(scope, token);
    return `Bearer ${token.value}`;
  }

  function basic(): string | undefined {
    if (credentials === undefined || !('username' in credentials)) return undefined;
    const { username, password } = credentials;
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  return {
    async header(scope, signal) {
      if (challenge?.scheme === 'basic') return basic();
      if (challenge === undefined) return undefined;
      const token = tokens.get(scope);
      if (token !== undefined && token.expiresAt - MARGIN_MS > Date.now()) {
        return `Bearer ${token.value}`;
      }
      return bearer(scope, signal);
    },

    async answer(response, { scope, sent, registry, signal }) {
      const asked = parseChallenge(response.headers['www-authenticate']);
      if (asked === undefined) return undefined;
      challenge = asked;
      if (asked.scheme === 'basic') {
        const header = basic();
        return header === sent ? undefined : header;
      }
      const where = asked.parameters.get('realm');
      if (where === undefined) {
        throw new OciError('InvalidResponse', 'malformed www-authenticate, missing realm');
      }
      realm = checkRealm(where, registry);
      const known = tokens.get(scope);
      // Another request may have got a new token meanwhile.
      if (known !== undefined && sent !== undefined && sent !== `Bearer ${known.value}`) {
        return `Bearer ${known.value}`;
      }
      tokens.delete(scope);
      const header = await bearer(scope, signal);
      return header === sent ? undefined : header;
    },
  };
}
