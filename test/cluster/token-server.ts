import { createHash, createPublicKey, randomUUID, sign } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { createSigningKey } from './certificates.ts';
import { listen } from './listen.ts';

export interface TokenServerOptions {
  /** The registry that tokens are for. */
  service: string;
  /** The host in the URL that clients get. */
  host: string;
  user: { username: string; password: string };
}

export interface TokenServer {
  /** Where clients get tokens. */
  realm: string;
  issuer: string;
  /** The key that tokens are signed with, as a JSON Web Key Set. */
  jwks: string;
  /** A refresh token that stands for the user. */
  identityToken: string;
  /** What clients asked for so far, oldest first. */
  requests(): { method: string; scope: string; user: string | undefined }[];
  /** Seconds that tokens are said to be good for, from now on. */
  setAge(seconds: number): void;
  /** Whether clients may use POST (OAuth 2). */
  setPost(allowed: boolean): void;
  close(): Promise<void>;
}

const ISSUER = 'weir-test-tokens';

/**
 * Starts a server that gives tokens as distribution's specification of token authentication says: to the user for
 * everything, to anonymous clients for pulls of repositories with `/public/` in their name, and 401 for a wrong password.
 */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const { privateKey, publicKey } = await createSigningKey();
  const jwk = createPublicKey(publicKey).export({ format: 'jwk' });
  const kid = createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
  const identityToken = randomUUID();
  const requests: ReturnType<TokenServer['requests']> = [];
  let ageSeconds = 300;
  let isPostAllowed = true;

  function token(access: object[]): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: ISSUER, sub: 'test', aud: options.service, jti: randomUUID(), access },
      ...{ exp: now + ageSeconds, nbf: now - 60, iat: now },
    };
    const head = { alg: 'ES256', typ: 'JWT', kid };
    const text = [head, claims].map((it) => base64url(JSON.stringify(it))).join('.');
    const signature = sign('sha256', Buffer.from(text), {
      ...{ key: privateKey, dsaEncoding: 'ieee-p1363' },
    });
    return `${text}.${base64url(signature)}`;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? '';
    const url = new URL(request.url ?? '/', 'http://localhost');
    const form =
      method === 'POST'
        ? new URLSearchParams((await buffer(request)).toString())
        : url.searchParams;
    if (method === 'POST' && !isPostAllowed) return void response.writeHead(405).end();
    const user = userOf(request, form, options.user, identityToken);
    const scope = form.getAll('scope').join(' ');
    requests.push({ method, scope, user: user === 'wrong' ? undefined : user });
    if (user === 'wrong') return void response.writeHead(401).end('{"details":"wrong password"}');
    const access = scope.split(' ').flatMap((it) => grant(it, user !== undefined));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token: token(access), expires_in: ageSeconds }));
  }

  const server = await listen((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  return {
    realm: `http://${options.host}:${server.port}/token`,
    issuer: ISSUER,
    jwks: JSON.stringify({ keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] }),
    identityToken,
    requests: () => [...requests],
    setAge(seconds) {
      ageSeconds = seconds;
    },
    setPost(allowed) {
      isPostAllowed = allowed;
    },
    close: server.close,
  };
}

function userOf(
  request: IncomingMessage,
  form: URLSearchParams,
  { username, password }: { username: string; password: string },
  identityToken: string,
): string | undefined {
  const refresh = form.get('refresh_token');
  if (refresh !== null) return refresh === identityToken ? username : 'wrong';
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const given = Buffer.from(header.replace(/^Basic /, ''), 'base64').toString();
  const isUser = given === `${username}:${password}` || given === `<token>:${identityToken}`;
  return isUser ? username : 'wrong';
}

function grant(scope: string, isUser: boolean): object[] {
  const [type, name = '', wanted = ''] = scope.split(':');
  if (type !== 'repository') return [];
  const actions = wanted.split(',');
  if (isUser) return [{ type, name, actions }];
  return name.includes('/public/') ? [{ type, name, actions: ['pull'] }] : [];
}

function base64url(data: string | Buffer): string {
  return Buffer.from(data).toString('base64url');
}
