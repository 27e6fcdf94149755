import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, credsAuthenticator, type TlsOptions } from '@nats-io/nats-core';

/** How to log in to NATS: the path of a `.creds` file, a user and password, or a token. */
export type BusCredentials = string | { user: string; password: string } | { token: string };

/**
 * Connection options for a list of NATS URLs. User information in a URL (`nats://user:password@host`,
 * `nats://token@host`) is used to log in unless `credentials` are given; it is never logged. A `.creds` file is read
 * again for each connection, because it may be rotated. Rejects if it can't be read.
 */
export async function loginOptions(
  servers: string,
  credentials?: BusCredentials,
  tls?: TlsOptions,
): Promise<ConnectionOptions> {
  const urls = servers.split(',').map((server) => parseServer(server.trim()));
  const secure = tls !== undefined || urls.some(({ scheme }) => scheme === 'tls');
  const login = await loginOf(credentials ?? urls.find(({ login }) => login !== undefined)?.login);
  return {
    servers: urls.map(({ host }) => host),
    ...(secure ? { tls: tls ?? {} } : {}),
    ...login,
  };
}

async function loginOf(credentials: BusCredentials | undefined): Promise<ConnectionOptions> {
  if (credentials === undefined) return {};
  if (typeof credentials === 'string') {
    return { authenticator: credsAuthenticator(await readFile(credentials)) };
  }
  if ('token' in credentials) return { token: credentials.token };
  return { user: credentials.user, pass: credentials.password };
}

interface ServerUrl {
  scheme: string;
  host: string;
  login?: BusCredentials;
}

function parseServer(server: string): ServerUrl {
  const [, scheme = 'nats', userinfo, host = ''] =
    /^(?:([a-z]+):\/\/)?(?:(.*)@)?(.*)$/.exec(server) ?? [];
  if (userinfo === undefined) return { scheme, host };
  const colon = userinfo.indexOf(':');
  const login =
    colon < 0
      ? { token: decodeURIComponent(userinfo) }
      : {
          user: decodeURIComponent(userinfo.slice(0, colon)),
          password: decodeURIComponent(userinfo.slice(colon + 1)),
        };
  return { scheme, host, login };
}
