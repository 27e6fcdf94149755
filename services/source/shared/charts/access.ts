// Reads where the charts of a HelmRepository are, and with which credentials to fetch them. Messages about Secrets are
// those of Flux.
import { FETCH_FAILED, type HelmRepository, Reason } from '@weir/api';
import { type NamedSecret, readLoginSecret, tlsOf } from '@weir/credentials';
import { type ClientOptions, normalizeUrl } from '@weir/helm';
import { cloudOf, type Identities, ownTrustOf } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import type { TlsOptions } from '@weir/net';
import { type Credentials, credentialsFor, parseRepository, readPullSecret } from '@weir/oci';
import { Failure, messageOf } from '@weir/reconcile';
import { orAuthenticationFailed } from '../authentication.ts';
import { digestOf, ownershipKeyOf } from '../keys.ts';
import { fetchFailure } from '../snapshots.ts';
import { timeoutOf } from '../timeouts.ts';

/**
 * The fields of a HelmRepository that matter here. For a repository without such an object these are its URL and
 * namespace.
 */
export type Repository = Pick<HelmRepository, 'metadata' | 'spec'>;

/** The object that asks, and how long a conversation may take. */
export interface Asker {
  /** The namespace of that object. */
  tenant: string;
  timeoutMs: number;
}

/** A chart repository over HTTP. */
export interface Access extends Asker {
  /** As in the spec, for messages. */
  url: string;
  client: Pick<ClientOptions, 'url' | 'credentials' | 'passCredentials' | 'tls'>;
  /** Represents everything in `client`: objects with equal keys may share what was fetched. */
  key: string;
}

/** A registry that has charts. */
export interface RegistryAccess extends Asker {
  /** `oci://host/path`, without a slash at the end. */
  url: string;
  registry: {
    registry: string;
    credentials: Credentials | undefined;
    tls: Tls | undefined;
    insecure: boolean;
  };
  key: string;
}

type Tls = Pick<TlsOptions, 'ca' | 'certificate' | 'key'>;

/** @throws Failure AuthenticationFailed; URLInvalid (stalled) */
export async function readAccess(
  client: KubeClient,
  repository: Repository,
  signal: AbortSignal,
): Promise<Access> {
  const { url, passCredentials = false } = repository.spec;
  const normalized = orUrlInvalid(() => normalizeUrl(url));
  const { tls, secret } = await readSecrets(client, repository, signal);
  const credentials = secret && basicOf(secret);
  const own = { url: normalized, credentials, passCredentials, tls };
  return { ...askerOf(repository), url, client: own, key: digestOf(own) };
}

/**
 * Without a Secret, the cloud that the repository names gives a login. A HelmRepository names no account: the
 * operator's default account is used, or the service's own identity.
 * @throws Failure AuthenticationFailed; URLInvalid (stalled)
 */
export async function readRegistryAccess(
  { client, identities }: { client: KubeClient; identities: Identities },
  repository: Repository,
  signal: AbortSignal,
): Promise<RegistryAccess> {
  const { insecure = false } = repository.spec;
  const url = orUrlInvalid(() => normalizeUrl(repository.spec.url));
  const { tls, secret } = await readSecrets(client, repository, signal);
  const path = url.replace(/^oci:\/\//, '');
  const registry = path.split('/')[0] ?? '';
  const cloud = secret === undefined ? cloudOf(repository.spec.provider) : undefined;
  const { tenant: namespace, timeoutMs } = askerOf(repository);
  const login =
    cloud &&
    (await orAuthenticationFailed(`failed to get credential from '${cloud}': `, () =>
      identities.registryLogin(
        { provider: cloud, namespace, ownTrust: ownTrustOf(insecure, tls) },
        registry,
        AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      ),
    ));
  const credentials = login ?? (secret && loginOf(secret, path));
  const own = { registry, credentials, tls, insecure };
  return { ...askerOf(repository), url, registry: own, key: digestOf(own) };
}

function askerOf({ metadata, spec }: Repository): Asker {
  return { tenant: metadata.namespace ?? '', timeoutMs: timeoutOf(spec) };
}

/** The key that decides which replica owns objects of a repository. Those with equal keys share what is fetched. */
export function accessOwnershipKey({ metadata, spec }: Repository): string {
  const { url, secretRef, certSecretRef, passCredentials } = spec;
  const secrets = { secretRef, certSecretRef };
  return ownershipKeyOf('helm', metadata.namespace, [url, passCredentials], secrets);
}

function orUrlInvalid(parse: () => string): string {
  try {
    return parse();
  } catch (cause) {
    throw new Failure(Reason.URLInvalid, `invalid Helm repository URL: ${messageOf(cause)}`, {
      ...{ condition: FETCH_FAILED, stalled: true, cause },
    });
  }
}

async function readSecrets(
  client: KubeClient,
  { metadata, spec }: Repository,
  signal: AbortSignal,
) {
  const { namespace = '' } = metadata;
  const read = (name: string, what: string) =>
    orAuthenticationFailed('', () => readLoginSecret(client, { namespace, name }, signal, what));
  let tls: Tls | undefined;
  if (spec.certSecretRef) {
    const secret = await read(spec.certSecretRef.name, 'TLS authentication secret');
    tls = await orAuthenticationFailed("failed to construct Helm client's TLS config: ", async () =>
      tlsOf(secret),
    );
  }
  const secret = spec.secretRef && (await read(spec.secretRef.name, 'authentication secret'));
  // Older objects have TLS data in this Secret.
  if (tls === undefined && secret !== undefined && hasTls(secret)) {
    tls = await orAuthenticationFailed('failed to detect authentication methods: ', async () =>
      tlsOf(secret),
    );
  }
  return { tls, secret };
}

const TLS_KEYS = ['ca.crt', 'caFile', 'tls.crt', 'certFile', 'tls.key', 'keyFile'];

function hasTls({ data }: NamedSecret): boolean {
  return TLS_KEYS.some((key) => data.has(key));
}

function basicOf({ data, name }: NamedSecret) {
  const username = data.get('username')?.toString('utf8') ?? '';
  const password = data.get('password')?.toString('utf8') ?? '';
  if (username === '' && password === '') return undefined;
  if (username !== '' && password !== '') return { username, password };
  const [has, lacks] = username === '' ? ['password', 'username'] : ['username', 'password'];
  const what = `secret '${name}': malformed basic auth - has '${has}' but missing '${lacks}'`;
  throw authFailure(`failed to detect authentication methods: ${what}`);
}

/** The login at a registry: from a Docker configuration, or from `username` and `password` of any other Secret. */
function loginOf(secret: NamedSecret, path: string): Credentials | undefined {
  const { type, name } = secret;
  if (type !== 'kubernetes.io/dockerconfigjson') return basicOf(secret);
  const what = 'failed to configure OCI registry authentication';
  let found: Credentials | undefined;
  try {
    // The path may be that of a repository or the beginning of one.
    const repository = parseRepository(path.includes('/') ? path : `${path}/charts`);
    found = credentialsFor(repository, readPullSecret(secret));
  } catch (cause) {
    throw authFailure(`${what}: ${messageOf(cause)}`, cause);
  }
  if (found !== undefined) return found;
  const own = name.slice(name.indexOf('/') + 1);
  const host = path.split('/')[0];
  throw authFailure(`${what}: no auth config for '${host}' in the docker-registry Secret '${own}'`);
}

function authFailure(message: string, cause?: unknown): Failure {
  return fetchFailure(Reason.AuthenticationFailed, message, cause);
}
