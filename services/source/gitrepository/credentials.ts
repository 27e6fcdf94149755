import { createHash } from 'node:crypto';
import { FETCH_FAILED, type GitRepository, Reason } from '@weir/api';
import {
  checkSshCredentials,
  credentialsFor,
  type GitAuth,
  isEncryptedKey,
  parseRemoteUrl,
} from '@weir/git';
import { type KubeClient, readSecret } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';
import { maskUrl } from '@weir/telemetry';

/** Where to fetch from, and as whom. */
export interface Remote {
  /** Without credentials. */
  url: string;
  auth?: GitAuth;
  /** Stands for URL and credentials: equal keys may share what was fetched. */
  key: string;
}

/**
 * Reads the secret that a GitRepository names and makes of it what Flux does: `bearerToken`, or `username` and
 * `password`; `ca.crt` (or `caFile`), `tls.crt` and `tls.key` besides.
 * @throws Failure URLInvalid (stalled), AuthenticationFailed, InvalidProviderConfiguration
 */
export async function readRemote(
  client: KubeClient,
  object: GitRepository,
  signal: AbortSignal,
): Promise<Remote> {
  const { url, secretRef } = object.spec;
  const clean = withoutCredentials(url);
  const secret = secretRef && (await authFromSecret(client, object, signal));
  if (isSsh(url) && secret === undefined)
    throw invalid("invalid 'ssh' auth option: 'identity' is required");
  const auth = credentialsFor(url, secret);
  return { url: clean, ...(auth ? { auth } : {}), key: keyOf(clean, auth) };
}

async function authFromSecret(
  client: KubeClient,
  { spec, metadata }: GitRepository,
  signal: AbortSignal,
): Promise<GitAuth> {
  const ref = { namespace: metadata.namespace ?? '', name: spec.secretRef?.name ?? '' };
  const name = `${ref.namespace}/${ref.name}`;
  const data = await readSecret(client, ref, { signal }).catch((cause: unknown) => {
    const message = `failed to get secret '${name}': ${messageOf(cause)}`;
    throw new Failure(Reason.AuthenticationFailed, message, { condition: FETCH_FAILED, cause });
  });
  const texts = new Map([...data].map(([key, value]) => [key, value.toString()]));
  return isSsh(spec.url) ? sshAuthFrom(texts, name) : authFrom(texts, name);
}

function isSsh(url: string): boolean {
  return url.startsWith('ssh://');
}

/**
 * What a secret for SSH holds: `identity`, `known_hosts`, and `password` for a key with a passphrase.
 * @param name the secret's `namespace/name`, for messages
 * @throws Failure when one is missing
 */
export function sshAuthFrom(data: ReadonlyMap<string, string>, name: string): GitAuth {
  refuseAppData(data, name);
  const identity = data.get('identity') ?? '';
  const passphrase = data.get('password');
  const credentials = {
    identity,
    knownHosts: data.get('known_hosts') ?? '',
    ...(passphrase ? { passphrase } : {}),
  };
  try {
    checkSshCredentials(credentials);
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
  if (!passphrase && isEncryptedKey(identity)) {
    const message = `SSH identity key is encrypted but no 'password' field was provided in the secret '${name}'`;
    throw new Failure(Reason.AuthenticationFailed, message, { condition: FETCH_FAILED });
  }
  return { ssh: credentials };
}

function withoutCredentials(url: string): string {
  try {
    return parseRemoteUrl(url).url;
  } catch (cause) {
    throw new Failure(
      Reason.URLInvalid,
      `failed to parse url '${maskUrl(url)}': ${messageOf(cause)}`,
      { condition: FETCH_FAILED, cause, stalled: true },
    );
  }
}

/**
 * @param name the secret's `namespace/name`, for messages
 * @throws Failure when the secret's keys don't go together
 */
export function authFrom(data: ReadonlyMap<string, string>, name: string): GitAuth {
  refuseAppData(data, name);
  const caFile = data.get('ca.crt') || data.get('caFile');
  const clientCert = data.get('tls.crt');
  const clientKey = data.get('tls.key');
  const tls = {
    ...(caFile ? { caFile } : {}),
    ...(clientCert ? { clientCert } : {}),
    ...(clientKey ? { clientKey } : {}),
  };
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw invalid(`secret '${name}' needs both 'tls.crt' and 'tls.key' for a client certificate`);
  }
  const bearerToken = data.get('bearerToken');
  if (bearerToken !== undefined) return { ...tls, bearerToken };
  const username = data.get('username');
  const password = data.get('password');
  if (!username && password) {
    throw invalid(`invalid auth option: 'password' requires 'username' to be set in '${name}'`);
  }
  return { ...tls, ...(username ? { username, password: password ?? '' } : {}) };
}

function refuseAppData(data: ReadonlyMap<string, string>, name: string): void {
  if (!data.get('githubAppID')) return;
  const message = `secretRef '${name}' has github app data but provider is not set to github`;
  throw new Failure(Reason.InvalidProviderConfiguration, message, { condition: FETCH_FAILED });
}

function invalid(message: string, cause?: unknown): Failure {
  return new Failure(
    Reason.AuthenticationFailed,
    `failed to configure authentication options: ${message}`,
    { condition: FETCH_FAILED, cause },
  );
}

function keyOf(url: string, auth: GitAuth | undefined): string {
  const parts = [
    url,
    ...Object.entries(auth ?? {})
      .sort()
      .flat(),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** What decides which replica owns a GitRepository: its URL, ref and secret, so that those alike share their fetches. */
export function ownershipKey(object: GitRepository): string {
  const { url, ref = {}, secretRef } = object.spec;
  const secret = secretRef ? `${object.metadata.namespace}/${secretRef.name}` : '';
  const parts = [url, secret, ...Object.entries(ref).sort().flat()];
  return `git/${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
