import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import type { TokenSource } from './client.ts';
import { CredentialError } from './errors.ts';
import type { Access } from './kubeconfig.ts';

/** What proves who we are: a header for each request, a certificate for each connection. */
export interface Credentials {
  authorization?: string;
  cert?: string | Buffer;
  key?: string | Buffer;
}

export interface CredentialSource {
  /** At once when what is cached is still fresh. Rejects with CredentialError. */
  current(): Credentials | Promise<Credentials>;
  /** The server refused what current() gave: get new ones, unless that happened already. */
  renew(refused: Credentials): void;
}

/** Token and certificate files are read again after this time, as the Go client does. */
const FILE_FRESH_MS = 60_000;
/** A plugin's own cache decides when the plugin runs again; this is how often that cache is asked. */
const PLUGIN_FRESH_MS = 5_000;
/** Renew a token when this share of its life is over, as the kubelet does. */
const TOKEN_RENEW_SHARE = 0.8;

/**
 * The credentials of a kubeconfig user: token, basic, client certificate (inline or files), token file,
 * exec plugin; any legacy auth-provider (OIDC) through client-node's KubeConfig, loaded only for that.
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

/** No credentials at all: plain HTTP never carries any (as clientcmd of the Go client has it). */
export function noCredentials(): CredentialSource {
  const none: Credentials = {};
  return { current: () => none, renew: () => undefined };
}

/** Bearer tokens from a function; renewed in the background while the old one still works. */
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
  /** A failed renewal is tried again later: what is held still works and is what callers get. */
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
  // Plugins are told what is wanted in this variable (client-go credential plugins, "input format").
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
      // 80 MB and 0.4 s that only these kubeconfigs need.
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

/** Keeps what `ask` gave for a while, and asks once however many callers wait. */
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
