import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import type { TokenSource } from './client.ts';
import { CredentialError } from './errors.ts';
import type { Access } from './kubeconfig.ts';

/** How this client authenticates: by a header of each request, by a client certificate of each connection, or both. */
export interface Credentials {
  authorization?: string;
  cert?: string | Buffer;
  key?: string | Buffer;
}

export interface CredentialSource {
  /** Returns the cached credentials without a promise while they are fresh. Rejects with CredentialError. */
  current(): Credentials | Promise<Credentials>;
  /** The server refused these credentials: the next current() gets new ones, unless newer ones are there already. */
  renew(refused: Credentials): void;
}

/** Token and certificate files are read again after this time, in ms. The Go client uses the same. */
const FILE_FRESH_MS = 60_000;
/**
 * How long the credentials of an exec plugin are used before client-node is asked again, in ms. client-node keeps
 * a cache of its own, which decides whether the plugin really runs again.
 */
const PLUGIN_FRESH_MS = 5_000;
/** A token is renewed when this share of its lifetime has passed. The kubelet does the same. */
const TOKEN_RENEW_SHARE = 0.8;

/**
 * The credentials of a kubeconfig user: a token, basic authentication, a client certificate (inline or in files), a
 * token file or an exec plugin. A legacy auth-provider (OIDC) goes through client-node's KubeConfig, which is loaded
 * only for that.
 */
export function credentialSource(access: Access, config?: KubeConfig): CredentialSource {
  const { user, tokenFile } = access;
  if (user.exec) return execCredentials(access);
  const mountedToken = tokenFile ?? user.authProvider?.config?.tokenFile;
  if (user.authProvider && mountedToken === undefined) return providerCredentials(access, config);
  const fixed = fixedCredentials(access);
  if (mountedToken === undefined && !user.certFile && !user.keyFile) {
    return { current: () => fixed, renew: () => undefined };
  }
  return refreshing(FILE_FRESH_MS, async () => ({
    ...fixed,
    ...(user.certFile ? { cert: await fileOf(user.certFile) } : {}),
    ...(user.keyFile ? { key: await fileOf(user.keyFile) } : {}),
    ...(mountedToken ? { authorization: await tokenOf(mountedToken) } : {}),
  }));
}

/** No credentials. Plain HTTP never carries any, as with clientcmd of the Go client. */
export function noCredentials(): CredentialSource {
  const none: Credentials = {};
  return { current: () => none, renew: () => undefined };
}

/** Bearer tokens from a function. A token is renewed in the background while the one before is still valid. */
export function tokenCredentials(source: TokenSource, signal: AbortSignal): CredentialSource {
  let held: { credentials: Credentials; renewAt: number; expiresAt: number } | undefined;
  let asking: Promise<Credentials> | undefined;

  const ask = () => {
    asking ??= source(signal)
      .then(({ token, expiresAt }) => {
        const now = Date.now();
        const credentials = { authorization: `Bearer ${token}` };
        held = { credentials, expiresAt, renewAt: now + (expiresAt - now) * TOKEN_RENEW_SHARE };
        return credentials;
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  /** A failed renewal is not reported: callers go on with the token that is still valid, and it is tried again later. */
  const renewQuietly = (had: NonNullable<typeof held>) => {
    ask().catch(() => {
      had.renewAt = Date.now() + 10_000;
    });
  };
  return {
    current() {
      const now = Date.now();
      if (held === undefined || now >= held.expiresAt) return ask();
      if (now >= held.renewAt && asking === undefined) renewQuietly(held);
      return held.credentials;
    },
    renew(refused) {
      if (held?.credentials === refused) held = undefined;
    },
  };
}

function fixedCredentials({ user }: Access): Credentials {
  const basic = () => Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
  return {
    ...(user.certData ? { cert: Buffer.from(user.certData, 'base64') } : {}),
    ...(user.keyData ? { key: Buffer.from(user.keyData, 'base64') } : {}),
    ...(user.username ? { authorization: `Basic ${basic()}` } : {}),
    ...(user.token ? { authorization: `Bearer ${user.token.trim()}` } : {}),
  };
}

function execCredentials(access: Access): CredentialSource {
  const { user, cluster } = access;
  const { exec } = user;
  const info = {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo
        ? {
            cluster: {
              server: cluster.server,
              'tls-server-name': cluster.tlsServerName,
              'insecure-skip-tls-verify': cluster.skipTLSVerify,
              'certificate-authority-data': cluster.caData,
              'proxy-url': cluster.proxyUrl,
            },
          }
        : {}),
    },
  };
  // A plugin reads its input from this variable (client-go credential plugins, "input and output formats").
  const env = [...(exec.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }];
  const plugin = { ...user, exec: { ...exec, env } };
  let auth = new ExecAuth();
  const source = refreshing(PLUGIN_FRESH_MS, async () => {
    const options: RequestOptions = {};
    try {
      await auth.applyAuthentication(plugin, options);
    } catch (cause) {
      throw new CredentialError(
        `the credential plugin ${exec.command} failed: ${firstLine(cause) || 'no output'}`,
      );
    }
    return { ...fixedCredentials(access), ...credentialsIn(options) };
  });
  return {
    current: source.current,
    renew(refused) {
      if (source.current() !== refused) return;
      auth = new ExecAuth();
      source.renew(refused);
    },
  };
}

function providerCredentials(access: Access, given?: KubeConfig): CredentialSource {
  let config = given;
  return refreshing(PLUGIN_FRESH_MS, async () => {
    if (config === undefined) {
      // This import takes 80 MB and 0.4 s, so only kubeconfigs with a legacy auth-provider load it.
      const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
      config = new KubeConfig();
      config.loadFromClusterAndUser(access.cluster, access.user);
    }
    const options: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (cause) {
      const name = access.user.authProvider?.name;
      throw new CredentialError(`the auth provider ${name} failed: ${firstLine(cause)}`);
    }
    return { ...fixedCredentials(access), ...credentialsIn(options) };
  });
}

function credentialsIn(options: RequestOptions): Credentials {
  const authorization = Object.entries(options.headers ?? {}).find(
    ([name]) => name === 'Authorization',
  )?.[1];
  const { cert, key } = options;
  return {
    ...(typeof authorization === 'string' ? { authorization } : {}),
    ...(typeof cert === 'string' || Buffer.isBuffer(cert) ? { cert } : {}),
    ...(typeof key === 'string' || Buffer.isBuffer(key) ? { key } : {}),
  };
}

/** Caches the answer of `ask` for `freshMs`. Callers that come while a question is under way share its answer. */
function refreshing(freshMs: number, ask: () => Promise<Credentials>): CredentialSource {
  let held: Credentials | undefined;
  let freshUntil = 0;
  let asking: Promise<Credentials> | undefined;
  return {
    current() {
      if (held !== undefined && performance.now() < freshUntil) return held;
      asking ??= ask()
        .then((credentials) => {
          held = credentials;
          freshUntil = performance.now() + freshMs;
          return credentials;
        })
        .finally(() => {
          asking = undefined;
        });
      return asking;
    },
    renew(refused) {
      if (held === refused) held = undefined;
    },
  };
}

async function tokenOf(path: string): Promise<string> {
  const token = (await fileOf(path)).toString('utf8').trim();
  if (token === '') throw new CredentialError(`the token file ${path} is empty`);
  return `Bearer ${token}`;
}

async function fileOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CredentialError(`cannot read ${path}: ${firstLine(cause)}`);
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split('\n', 1)[0]?.slice(0, 300) ?? '';
}
