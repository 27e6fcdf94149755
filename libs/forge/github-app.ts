// Tokens of GitHub Apps
// (https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation).
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { getCACertificates } from 'node:tls';
import {
  AnswerTooLarge,
  openRequest,
  type RequestPolicy,
  readBounded,
  tlsProblem,
} from '@weir/net';
import { ForgeError } from './errors.ts';

export interface GitHubApp {
  /** The id of the app, or its client id. */
  id: string;
  /** RSA, in PEM. */
  privateKey: string;
  /** Either the id of an installation, or the organization or user that it belongs to. */
  installation: { id: string } | { owner: string };
  /** Of the API; GitHub's own unless given. */
  baseUrl?: string;
}

export interface InstallationToken {
  token: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export interface TokenOptions {
  network: RequestPolicy;
  /** PEM: certificates that are trusted in addition to the system's, and the client's certificate. */
  tls?: { ca?: string; certificate?: string; key?: string };
  signal: AbortSignal;
}

const GITHUB = 'https://api.github.com/';
/** A JWT is valid for two minutes, and from a little earlier on because GitHub's clock may be behind. Seconds. */
const LIFETIME = 120;
const DRIFT = 30;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Checks values that become part of a URL, or of a signature.
 * @throws ForgeError that names what is wrong, without its value
 */
export function checkGitHubApp({ id, privateKey, installation, baseUrl }: GitHubApp): KeyObject {
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(id)) throw new ForgeError('the app ID is no ID of an app');
  if ('id' in installation) {
    if (!/^\d{1,20}$/.test(installation.id)) {
      throw new ForgeError('the installation ID is not a number');
    }
  } else if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(installation.owner)) {
    throw new ForgeError('the installation owner is no name of an organization or user');
  }
  const url = URL.parse(baseUrl ?? GITHUB);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new ForgeError('invalid API URL: it must be like https://host/api/v3');
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKey);
  } catch {
    // The cause may quote the key.
    throw new ForgeError('could not parse private key: it is no unencrypted key in PEM');
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw new ForgeError('could not parse private key: it is no RSA key');
  }
  return key;
}

/**
 * Creates a token for an app's installation, which is found by its owner if its id isn't given.
 * @throws ForgeError; AddressRefused
 */
export async function createInstallationToken(
  app: GitHubApp,
  options: TokenOptions,
): Promise<InstallationToken> {
  const key = checkGitHubApp(app);
  const call = { bearer: signedJwt(app.id, key), base: app.baseUrl ?? GITHUB, options };
  const id =
    'id' in app.installation
      ? app.installation.id
      : await findInstallation(app.installation.owner, call);
  const answer = await ask('POST', `app/installations/${id}/access_tokens`, call);
  const { token, expires_at: expires } = answer as { token?: unknown; expires_at?: unknown };
  const expiresAt = Date.parse(String(expires));
  if (
    typeof token !== 'string' ||
    !/^[\x21-\x7e]{1,4096}$/.test(token) ||
    Number.isNaN(expiresAt)
  ) {
    throw new ForgeError('the answer of the API holds no token');
  }
  return { token, expiresAt };
}

interface Call {
  bearer: string;
  base: string;
  options: TokenOptions;
}

/** As in Flux, an organization comes before a user of the same name. */
async function findInstallation(owner: string, call: Call): Promise<string> {
  const failures: string[] = [];
  let transient = false;
  for (const [kind, path] of [
    ['organization', `orgs/${owner}/installation`],
    ['user', `users/${owner}/installation`],
  ] as const) {
    try {
      const { id } = (await ask('GET', path, call)) as { id?: unknown };
      if (typeof id === 'number' && Number.isSafeInteger(id)) return String(id);
      failures.push(`failed to find ${kind} installation: the answer holds no id`);
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      transient ||= error.transient;
      failures.push(`failed to find ${kind} installation: ${error.message}`);
    }
  }
  throw new ForgeError(failures.join('; '), { transient });
}

/** RFC 7519, signed with RS256. */
function signedJwt(issuer: string, key: KeyObject): string {
  const now = Math.floor(Date.now() / 1000) - DRIFT;
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iat: now, exp: now + LIFETIME, iss: issuer };
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

async function ask(method: 'GET' | 'POST', path: string, call: Call): Promise<unknown> {
  const { bearer, base, options } = call;
  const url = new URL(path, base.endsWith('/') ? base : `${base}/`);
  const what = `${method} ${url.href}`;
  const { ca, certificate, key } = options.tls ?? {};
  try {
    const request = openRequest(
      url,
      {
        method,
        signal: options.signal,
        headers: {
          accept: 'application/vnd.github+json',
          authorization: `Bearer ${bearer}`,
          'user-agent': 'weir',
        },
        ...(ca ? { ca: [...getCACertificates('system'), ca] } : {}),
        ...(certificate ? { cert: certificate } : {}),
        ...(key ? { key } : {}),
      },
      options.network,
    );
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const status = response.statusCode ?? 0;
    if (status !== 200 && status !== 201) {
      response.destroy();
      const transient = status >= 500 || status === 429;
      throw new ForgeError(`${what}: ${status}${advice(status)}`, { transient });
    }
    return JSON.parse(await textOf(response)) as unknown;
  } catch (cause) {
    if (cause instanceof ForgeError) throw cause;
    const { code, name } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRREFUSED') throw cause;
    const why =
      name === 'AbortError'
        ? 'no answer in time'
        : (tlsProblem(cause, 'ca.crt of the Secret') ?? code ?? 'its answer can not be read');
    throw new ForgeError(`${what}: ${why}`, { transient: true });
  }
}

function advice(status: number): string {
  if (status === 401) return ' (the app ID and the private key do not belong together)';
  if (status === 404) return ' (the app is not installed there)';
  return status === 403
    ? ' (the installation is suspended, or the limit of requests is reached)'
    : '';
}

async function textOf(response: IncomingMessage): Promise<string> {
  const body = await readBounded(response, MAX_ANSWER_BYTES).catch((cause: unknown) => {
    if (!(cause instanceof AnswerTooLarge)) throw cause;
    throw new ForgeError('the answer of the API is too large');
  });
  return body.toString('utf8');
}
