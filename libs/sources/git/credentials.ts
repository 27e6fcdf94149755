import { createHash } from 'node:crypto';
import { FETCH_FAILED, type GitRepository, parseDuration, Reason } from '@weir/api';
import {
  checkSshCredentials,
  credentialsFor,
  type GitAuth,
  type GitProxy,
  isEncryptedKey,
  parseProxy,
  parseRemoteUrl,
} from '@weir/git';
import { type Identities, ownTrustOf } from '@weir/identity';
import { type KubeClient, readSecret } from '@weir/kube';
import { Failure, messageOf, requireObjectIdentity } from '@weir/reconcile';
import { maskUrl } from '@weir/telemetry';
import type { AppAccess, AppTokens } from './app-tokens.ts';
import { appFrom, noApp } from './github.ts';

/** A remote repository: its URL and the credentials for it. */
export interface Remote {
  /** The URL, without credentials. */
  url: string;
  auth?: GitAuth;
  proxy?: GitProxy;
  /** The app whose token is among the credentials. */
  app?: AppAccess;
  /** A hash of URL, credentials and proxy: objects with equal keys may share what was fetched. */
  key: string;
}

export interface RemoteAccess {
  tokens: AppTokens;
  identities: Identities;
  /** The namespace of the service account that the GitRepository names; the GitRepository's own unless given. */
  accountNamespace?: string | undefined;
  signal: AbortSignal;
}

/**
 * Reads the secrets that a GitRepository names, with the same keys as Flux: `bearerToken`, or `username` and
 * `password`; in addition `ca.crt` (or `caFile`), `tls.crt` and `tls.key`; `identity` and `known_hosts` for SSH; the
 * data of a GitHub App. With a cloud provider, the login comes from the cloud.
 * @throws Failure URLInvalid, FeatureGateDisabled (stalled), AuthenticationFailed, InvalidProviderConfiguration
 */
export async function readRemote(
  client: KubeClient,
  object: GitRepository,
  { tokens, signal, ...cloud }: RemoteAccess,
): Promise<Remote> {
  const { url, secretRef, provider } = object.spec;
  const clean = withoutCredentials(url);
  const proxy = await readProxy(client, object, signal);
  const through = proxy ? { proxy } : {};
  if (provider === 'github') {
    const { auth, app } = await readApp(client, object, { tokens, signal, proxy });
    return { url: clean, auth, ...through, app, key: keyOf(clean, app, proxy) };
  }
  if (provider === 'aws' || provider === 'azure') {
    const login = { ...cloud, provider, signal, proxy };
    const { auth, whose } = await readCloudLogin(client, object, login);
    return { url: clean, auth, ...through, key: keyOf(clean, whose, proxy) };
  }
  const secret = secretRef && (await authFromSecret(client, object, signal));
  if (isSsh(url) && secret === undefined)
    throw invalid("invalid 'ssh' auth option: 'identity' is required");
  const auth = credentialsFor(url, secret);
  return { url: clean, ...(auth ? { auth } : {}), ...through, key: keyOf(clean, auth, proxy) };
}

/** GitHub accepts a token as the password of this user. */
const TOKEN_USER = 'x-access-token';
/** The longest that requesting a token may take, in ms. */
const MAX_TOKEN_MS = 60_000;

async function readApp(
  client: KubeClient,
  { spec, metadata }: GitRepository,
  options: { tokens: AppTokens; signal: AbortSignal; proxy: GitProxy | undefined },
): Promise<{ auth: GitAuth; app: AppAccess }> {
  if (spec.secretRef === undefined) throw noApp(true);
  const { namespace: tenant = '' } = metadata;
  const data = await readTexts(
    client,
    { namespace: tenant, name: spec.secretRef.name },
    options.signal,
  );
  const name = `${tenant}/${spec.secretRef.name}`;
  const tls = tlsFrom(data, name);
  try {
    if (isSsh(spec.url)) throw new Error('the provider github needs a url of http or https');
    const app: AppAccess = {
      app: appFrom(data, name),
      tls: {
        ...(tls.caFile ? { ca: tls.caFile } : {}),
        ...(tls.clientCert ? { certificate: tls.clientCert } : {}),
        ...(tls.clientKey ? { key: tls.clientKey } : {}),
      },
      proxy: options.proxy,
    };
    const timeoutMs = Math.min(parseDuration(spec.timeout ?? '60s'), MAX_TOKEN_MS);
    const token = await options.tokens.get(app, { tenant, timeoutMs });
    return { auth: { ...tls, username: TOKEN_USER, password: token }, app };
  } catch (cause) {
    throw cause instanceof Failure ? cause : invalid(messageOf(cause), cause);
  }
}

/** Requests a login for AWS CodeCommit or Azure DevOps. Of a Secret, only the certificates are used. */
async function readCloudLogin(
  client: KubeClient,
  { spec, metadata }: GitRepository,
  options: Pick<RemoteAccess, 'identities' | 'accountNamespace' | 'signal'> & {
    provider: 'aws' | 'azure';
    proxy: GitProxy | undefined;
  },
): Promise<{ auth: GitAuth; whose: object }> {
  const { identities, provider, proxy, signal } = options;
  const { serviceAccountName, secretRef, url } = spec;
  const { namespace = '' } = metadata;
  requireObjectIdentity(identities, serviceAccountName, { condition: FETCH_FAILED });
  const tls =
    secretRef &&
    tlsFrom(
      await readTexts(client, { namespace, name: secretRef.name }, signal),
      `${namespace}/${secretRef.name}`,
    );
  const timeoutMs = Math.min(parseDuration(spec.timeout ?? '60s'), MAX_TOKEN_MS);
  const account = {
    ...{ provider, serviceAccountName },
    namespace: options.accountNamespace ?? namespace,
  };
  const ownTrust = ownTrustOf(false, tls && { ca: tls.caFile });
  const subject = { ...account, proxy: proxy && urlOfProxy(proxy), ownTrust };
  try {
    const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const { expiresAt, ...login } = await identities.gitLogin(subject, url, stop);
    // The login changes every few minutes, so the key for what was fetched is made from the account instead.
    return { auth: { ...tls, ...login }, whose: { ...tls, ...account } };
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw invalid(messageOf(cause), cause);
  }
}

function urlOfProxy({ url, username = '', password = '' }: GitProxy): string {
  const own = new URL(url);
  own.username = encodeURIComponent(username);
  own.password = encodeURIComponent(password);
  return own.href;
}

async function authFromSecret(
  client: KubeClient,
  { spec, metadata }: GitRepository,
  signal: AbortSignal,
): Promise<GitAuth> {
  const ref = { namespace: metadata.namespace ?? '', name: spec.secretRef?.name ?? '' };
  const data = await readTexts(client, ref, signal);
  const name = `${ref.namespace}/${ref.name}`;
  return isSsh(spec.url) ? sshAuthFrom(data, name) : authFrom(data, name);
}

/** The proxy of spec.proxySecretRef. Error messages are those of Flux. */
async function readProxy(
  client: KubeClient,
  { spec, metadata }: GitRepository,
  signal: AbortSignal,
): Promise<GitProxy | undefined> {
  if (spec.proxySecretRef === undefined) return undefined;
  const ref = { namespace: metadata.namespace ?? '', name: spec.proxySecretRef.name };
  try {
    const data = await readTexts(client, ref, signal);
    const address = data.get('address');
    if (!address) throw new Error(`secret '${ref.namespace}/${ref.name}': key 'address' not found`);
    return parseProxy(address.trim(), data.get('username'), data.get('password'));
  } catch (cause) {
    const message = `failed to configure proxy options: ${messageOf(cause)}`;
    throw new Failure(Reason.AuthenticationFailed, message, { condition: FETCH_FAILED, cause });
  }
}

async function readTexts(
  client: KubeClient,
  ref: { namespace: string; name: string },
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const data = await readSecret(client, ref, { signal }).catch((cause: unknown) => {
    const message = `failed to get secret '${ref.namespace}/${ref.name}': ${messageOf(cause)}`;
    throw new Failure(Reason.AuthenticationFailed, message, { condition: FETCH_FAILED, cause });
  });
  return new Map([...data].map(([key, value]) => [key, value.toString()]));
}

function isSsh(url: string): boolean {
  return url.startsWith('ssh://');
}

/**
 * Reads a secret for SSH: `identity`, `known_hosts`, and `password` for a key with a passphrase.
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
 * Reads a secret for HTTPS.
 * @param name the secret's `namespace/name`, for messages
 * @throws Failure when the secret's keys don't go together
 */
export function authFrom(data: ReadonlyMap<string, string>, name: string): GitAuth {
  refuseAppData(data, name);
  const tls = tlsFrom(data, name);
  const bearerToken = data.get('bearerToken');
  if (bearerToken !== undefined) return { ...tls, bearerToken };
  const username = data.get('username');
  const password = data.get('password');
  if (!username && password) {
    throw invalid(`invalid auth option: 'password' requires 'username' to be set in '${name}'`);
  }
  return { ...tls, ...(username ? { username, password: password ?? '' } : {}) };
}

function tlsFrom(
  data: ReadonlyMap<string, string>,
  name: string,
): Pick<GitAuth, 'caFile' | 'clientCert' | 'clientKey'> {
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
  return tls;
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

function keyOf(url: string, auth: object | undefined, proxy: GitProxy | undefined): string {
  const sorted = (it: object = {}) => Object.entries(it).sort().flat();
  const parts = [url, ...sorted(auth), ...(proxy ? [sorted(proxy)] : [])];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * The key that decides which replica owns a GitRepository. It is made from URL, ref and secrets, so that equal objects
 * have the same owner and share their fetches.
 */
export function ownershipKey(object: GitRepository): string {
  const { url, ref = {}, secretRef, proxySecretRef, provider = 'generic' } = object.spec;
  const { serviceAccountName } = object.spec;
  const secrets = [secretRef, proxySecretRef].map((it) =>
    it ? `${object.metadata.namespace}/${it.name}` : '',
  );
  const account = serviceAccountName ? [`${object.metadata.namespace}/${serviceAccountName}`] : [];
  const parts = [url, provider, ...secrets, ...account, ...Object.entries(ref).sort().flat()];
  return `git/${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
