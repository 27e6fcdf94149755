// Token services of Microsoft Entra, of Azure's machines and of Google, as they are documented: what proves who asks is
// checked, and refused in their words.
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  verify,
  X509Certificate,
} from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listening, type ListenOptions, listen } from '@weir/cluster';

export interface TokenServer extends Listening {
  /** Applications of Entra by their client id: the secret or the certificate (PEM) that proves them. */
  applications: Map<string, { clientSecret?: string; certificate?: string }>;
  /** Client ids of managed identities of this machine. */
  identities: Set<string>;
  /** Public keys (PEM) of Google's service accounts by their email. */
  accounts: Map<string, string>;
  /** How long tokens live, in seconds. */
  lifetime: number;
  /** `<path> <who> <scope or resource>` of each token that was given. */
  given: string[];
  requests: string[];
  /** Answers requests for which it returns true. */
  intercept?: ((response: ServerResponse) => boolean) | undefined;
  /** Returns the token for a client and what it asks for. */
  tokenFor(who: string, what: string): string;
}

type Answer = [status: number, body: object];

export async function startTokenServer(options: ListenOptions = {}): Promise<TokenServer> {
  const listening = await listen(async (request, response) => {
    server.requests.push(`${request.method} ${request.url}`);
    if (server.intercept?.(response)) return;
    let text = '';
    for await (const chunk of request) text += chunk;
    const [status, body] = answer(request, new URLSearchParams(text));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }, options);

  function answer(request: IncomingMessage, form: URLSearchParams): Answer {
    const url = new URL(request.url ?? '/', listening.url);
    if (url.pathname === '/token') return google(form, url);
    if (url.pathname === '/metadata/identity/oauth2/token') return machine(request, url);
    if (url.pathname.endsWith('/oauth2/v2.0/token')) return entra(form, url);
    return [404, {}];
  }

  function give(url: URL, who: string, what: string, more: object = {}): Answer {
    server.given.push(`${url.pathname} ${who} ${what}`);
    const token = { access_token: server.tokenFor(who, what), expires_in: server.lifetime };
    return [200, { token_type: 'Bearer', ...token, ...more }];
  }

  function entra(form: URLSearchParams, url: URL): Answer {
    const [id = '', scope = ''] = [form.get('client_id') ?? '', form.get('scope') ?? ''];
    const known = server.applications.get(id);
    if (form.get('grant_type') !== 'client_credentials' || !scope.endsWith('/.default')) {
      return [400, { error: 'invalid_request', error_codes: [900144] }];
    }
    if (known === undefined) return [400, { error: 'unauthorized_client', error_codes: [700016] }];
    const secret = form.get('client_secret');
    if (secret !== null) {
      if (secret === known.clientSecret) return give(url, id, scope);
      const error_description = `AADSTS7000215: Invalid client secret provided: ${secret}`;
      return [401, { error: 'invalid_client', error_description, error_codes: [7000215] }];
    }
    const isProven =
      known.certificate &&
      isSigned(form.get('client_assertion') ?? '', known.certificate, {
        aud: url.href,
        iss: id,
        sub: id,
      });
    if (isProven) return give(url, id, scope);
    return [401, { error: 'invalid_client', error_codes: [700027] }];
  }

  function machine(request: IncomingMessage, url: URL): Answer {
    if (request.headers.metadata !== 'true') return [400, { error: 'bad_request' }];
    const id = url.searchParams.get('client_id') ?? '';
    if (!server.identities.has(id)) return [400, { error: 'invalid_request' }];
    const resource = url.searchParams.get('resource') ?? '';
    return give(url, id, resource, { expires_in: String(server.lifetime) });
  }

  function google(form: URLSearchParams, url: URL): Answer {
    const assertion = form.get('assertion') ?? '';
    const { iss = '', scope = '' } = claimsOf(assertion);
    const key = server.accounts.get(iss);
    const isGood =
      key !== undefined && verified(assertion, key) && claimsOf(assertion).aud === url.href;
    if (form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' && isGood) {
      return give(url, iss, scope);
    }
    const error_description = `Invalid JWT Signature: ${assertion}`;
    return [400, { error: 'invalid_grant', error_description }];
  }

  const server: TokenServer = {
    ...listening,
    applications: new Map(),
    identities: new Set(),
    accounts: new Map(),
    lifetime: 3600,
    given: [],
    requests: [],
    tokenFor: (who, what) => createHash('sha256').update(`${who} ${what}`).digest('hex'),
  };
  return server;
}

function claimsOf(token: string): Record<string, string> {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  } catch {
    return {};
  }
}

function verified(token: string, publicKey: string): boolean {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const data = Buffer.from(`${header}.${claims}`);
  const isNow = Number(claimsOf(token).exp) > Date.now() / 1000;
  return (
    isNow && verify('sha256', data, createPublicKey(publicKey), Buffer.from(signature, 'base64url'))
  );
}

function isSigned(token: string, certificate: string, claims: Record<string, string>): boolean {
  const own = new X509Certificate(certificate);
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString() || '{}');
  const print = createHash('sha1').update(own.raw).digest('base64url');
  const key = own.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const isSame = Object.entries(claims).every(([name, value]) => claimsOf(token)[name] === value);
  return header.x5t === print && verified(token, key) && isSame;
}

/** A key of a service account as Google hands it out, and the public key to know it by. */
export function createGoogleKey(
  email: string,
  tokenUrl: string,
): { json: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = {
    ...{ type: 'service_account', project_id: 'project', private_key_id: 'id' },
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ...{ client_email: email, token_uri: tokenUrl },
  };
  return {
    json: JSON.stringify(key),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}
