import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { GitError } from './errors.ts';
import type { SshCredentials } from './ssh-config.ts';

/**
 * Credentials for a Git server, as PEM texts and not paths. Without any, requests are anonymous and the system's
 * authorities are trusted.
 */
export interface GitAuth {
  username?: string;
  password?: string;
  bearerToken?: string;
  /** CA certificates that are trusted in addition to the system's. */
  caFile?: string;
  clientCert?: string;
  clientKey?: string;
  /** For ssh:// URLs; of no use for others. */
  ssh?: SshCredentials;
}

/** The Git configuration (`http.extraHeader` ...) with the credentials, and the strings to mask in messages. */
export interface AuthConfig {
  config: [key: string, value: string][];
  secrets: string[];
}

/**
 * Runs `use` with the configuration that authenticates. It isn't limited to a URL: a git process talks to one server
 * and follows no redirects, so credentials reach no other host. git gets headers in its environment and certificates in
 * files of mode 0600 that are removed afterwards; neither is on a command line.
 * @throws GitError InvalidArgument when the credentials can't be sent as they are
 */
export async function withAuth<T>(
  auth: GitAuth | undefined,
  use: (config: AuthConfig) => Promise<T>,
): Promise<T> {
  const header = auth && authorization(auth);
  const secrets = auth ? secretsOf(auth, header) : [];
  const config: [string, string][] = header
    ? [['http.extraHeader', `Authorization: ${header}`]]
    : [];
  if (!auth?.caFile && !auth?.clientCert && !auth?.clientKey) return use({ config, secrets });

  const dir = await mkdtemp(join(tmpdir(), 'weir-git-cert-'));
  try {
    const files = certificateFiles(auth);
    for (const { key, name, content } of files) {
      const file = join(dir, name);
      await writeFile(file, content, { mode: 0o600 });
      config.push([`http.${key}`, file]);
    }
    return await use({ config, secrets });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * The value of the Authorization header (RFC 7617, RFC 6750); undefined for an anonymous request.
 * @throws GitError InvalidArgument
 */
export function authorization(auth: GitAuth): string | undefined {
  const basic = auth.username !== undefined || auth.password !== undefined;
  if (basic && auth.bearerToken !== undefined) {
    throw new GitError(
      'InvalidArgument',
      'basic auth and bearer token cannot be set at the same time',
    );
  }
  if (basic) {
    const pair = `${auth.username ?? ''}:${auth.password ?? ''}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  if (auth.bearerToken === undefined) return undefined;
  if (!/^[\x21-\x7e]+$/.test(auth.bearerToken)) {
    throw new GitError(
      'InvalidArgument',
      'invalid bearer token: it is empty or holds spaces, line breaks or characters outside ASCII',
    );
  }
  return `Bearer ${auth.bearerToken}`;
}

/** Whether there is anything that another host must not get. */
export function hasCredentials(auth: GitAuth | undefined): boolean {
  if (auth === undefined) return false;
  const { username, password, bearerToken, clientCert, clientKey } = auth;
  return [username, password, bearerToken, clientCert, clientKey].some((it) => it !== undefined);
}

/**
 * The system's certificates and these: git and Node use given certificates in place of the system's, while Flux adds
 * them.
 */
export function trustedCertificates(caFile: string): string[] {
  return [...getCACertificates('system'), caFile];
}

/** The TLS options for node:https. */
export function nodeTls({ caFile, clientCert, clientKey }: GitAuth = {}) {
  return {
    ...(caFile ? { ca: trustedCertificates(caFile) } : {}),
    ...(clientCert ? { cert: clientCert } : {}),
    ...(clientKey ? { key: clientKey } : {}),
  };
}

/** The parts of the credentials that must not be in a message. */
export function secretsOf(auth: GitAuth, header?: string): string[] {
  return [
    auth.password,
    auth.bearerToken,
    auth.clientKey,
    auth.ssh?.identity,
    auth.ssh?.passphrase,
    header,
    header?.split(' ').at(-1),
  ].filter((secret) => secret !== undefined && secret !== '') as string[];
}

function certificateFiles(auth: GitAuth): { key: string; name: string; content: string }[] {
  const files = [];
  if (auth.caFile) {
    const content = trustedCertificates(auth.caFile).join('\n');
    files.push({ key: 'sslCAInfo', name: 'ca.crt', content });
  }
  if (auth.clientCert) files.push({ key: 'sslCert', name: 'tls.crt', content: auth.clientCert });
  if (auth.clientKey) files.push({ key: 'sslKey', name: 'tls.key', content: auth.clientKey });
  return files;
}
