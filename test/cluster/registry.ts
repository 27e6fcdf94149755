import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTool } from './build.ts';
import { createAuthority, type KeyPair } from './certificates.ts';
import { freePort } from './ports.ts';
import { supervise } from './supervise.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';
import { until } from './until.ts';

export interface RegistryServerOptions {
  /** `basic`: a name and a password; `token`: bearer tokens of a token server. Everybody may do everything unless given. */
  auth?: 'basic' | 'token';
  /** The host in the URL of the token server; `localhost` unless given. */
  tokenHost?: string;
  /** HTTPS with a certificate of an authority of its own; `mutual` asks clients for one as well. */
  tls?: true | 'mutual';
}

export interface RegistryServer {
  /** `127.0.0.1:<port>`. */
  host: string;
  port: number;
  /** Without a slash at its end. */
  url: string;
  /** PEM; only with `tls`. */
  ca?: string;
  /** A client certificate of the same authority; only with `tls: 'mutual'`. */
  client?: KeyPair;
  /** Only with `auth: 'token'`. */
  tokens?: TokenServer;
  close(): Promise<void>;
}

/** Who may read and write a registry that asks. */
export const REGISTRY_USER = { username: 'reader', password: 's3cret-pw' } as const;

// bcrypt of REGISTRY_USER's password, which Node can't make.
const HTPASSWD = 'reader:$2b$04$abcdefghijklmnopqrstuufbu7IbsAKnz0sK.RhkuQd5ApLvLcZVy\n';

/** Starts distribution's registry on 127.0.0.1; it keeps what is pushed until it is closed. */
export async function startRegistry(options: RegistryServerOptions = {}): Promise<RegistryServer> {
  const stack = new AsyncDisposableStack();
  try {
    return await start(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function start(
  { auth, tls, tokenHost = 'localhost' }: RegistryServerOptions,
  stack: AsyncDisposableStack,
): Promise<RegistryServer> {
  const binary = await buildTool('registry');
  const dir = await mkdtemp(join(tmpdir(), 'weir-registry-'));
  const supervisor = await supervise(dir);
  stack.defer(() => supervisor.close());
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const config: Record<string, unknown> = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(dir, 'data') },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: host, secret: 'for tests only' },
  };
  let authority: Awaited<ReturnType<typeof createAuthority>> | undefined;
  await mkdir(join(dir, 'data'), { recursive: true });
  if (auth === 'basic') {
    const path = join(dir, 'htpasswd');
    await writeFile(path, HTPASSWD);
    config.auth = { htpasswd: { realm: 'registry', path } };
  }
  let tokens: TokenServer | undefined;
  if (auth === 'token') {
    tokens = await startTokenServer({ service: host, host: tokenHost, user: REGISTRY_USER });
    stack.adopt(tokens, (it) => it.close());
    const jwks = join(dir, 'jwks.json');
    await writeFile(jwks, tokens.jwks);
    const { realm, issuer } = tokens;
    config.auth = { token: { realm, service: host, issuer, jwks } };
  }
  if (tls !== undefined) {
    authority = await createAuthority('weir-test-registry-ca');
    const serving = await authority.serving(['127.0.0.1', '127.0.0.2', 'localhost']);
    const [certificate, key, ca] = ['server.crt', 'server.key', 'ca.crt'].map((it) =>
      join(dir, it),
    );
    await writeFile(certificate ?? '', serving.certificate);
    await writeFile(key ?? '', serving.key);
    await writeFile(ca ?? '', authority.certificate);
    const clients = tls === 'mutual' ? { clientcas: [ca] } : {};
    config.http = { addr: host, secret: 'for tests only', tls: { certificate, key, ...clients } };
  }
  // A configuration in YAML may be written as JSON.
  const file = join(dir, 'config.yml');
  await writeFile(file, JSON.stringify(config));
  await supervisor.start({
    ...{ name: 'registry', command: binary, args: ['serve', file], cwd: dir },
    env: { OTEL_TRACES_EXPORTER: 'none' },
    log: join(dir, 'registry.log'),
  });
  await until(() => isListening(host, supervisor), {
    timeoutMs: 20_000,
    message: 'the registry to listen',
  });
  return {
    ...{ host, port, url: `${tls === undefined ? 'http' : 'https'}://${host}` },
    ...(authority === undefined ? {} : { ca: authority.certificate }),
    ...(authority && tls === 'mutual' ? { client: await authority.client('reader') } : {}),
    ...(tokens === undefined ? {} : { tokens }),
    close: () => stack.disposeAsync(),
  };
}

/** Whether the server takes connections; what it says to a request doesn't matter here. */
async function isListening(
  host: string,
  supervisor: Awaited<ReturnType<typeof supervise>>,
): Promise<boolean> {
  const exit = supervisor.exitOf('registry');
  if (exit !== undefined) throw new Error(`the registry ended: ${exit}`);
  return fetch(`http://${host}/v2/`).then(
    () => true,
    () => false,
  );
}
