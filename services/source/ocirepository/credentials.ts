import { FETCH_FAILED, type OCIRepository, Reason } from '@weir/api';
import {
  proxyOf,
  readLoginSecret,
  readNamedSecret,
  readPullSecrets,
  tlsOf,
} from '@weir/credentials';
import { cloudOf, type Identities, ownTrustOf } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import {
  accessKey,
  type Credentials,
  credentialsFor,
  OciError,
  parseRepository,
  type RegistryAccess,
  type Repository,
  readPullSecret,
} from '@weir/oci';
import { Failure, messageOf, requireObjectIdentity } from '@weir/reconcile';
import { orAuthenticationFailed } from '../shared/authentication.ts';
import { digestOf, ownershipKeyOf } from '../shared/keys.ts';
import { timeoutOf } from '../shared/timeouts.ts';

/** The repository to pull from, with credentials. */
export interface Remote {
  /** `spec.url`, for messages. */
  url: string;
  repository: Repository;
  access: RegistryAccess;
  /** Represents registry and access: objects with equal keys may share connections and tokens. */
  accessKey: string;
  /** Represents repository and access: objects with equal keys may share what was pulled. */
  key: string;
}

const SCHEME = 'oci://';

/**
 * Reads what an OCIRepository names: its URL, and the Secrets with credentials, certificates and a proxy. Without
 * credentials, the cloud that it names gives a login.
 * @throws Failure AuthenticationFailed; URLInvalid, FeatureGateDisabled (stalled)
 */
export async function readRemote(
  { client, identities }: { client: KubeClient; identities: Identities },
  { spec, metadata }: OCIRepository,
  signal: AbortSignal,
): Promise<Remote> {
  const { url = '', insecure = false } = spec;
  const { namespace = '' } = metadata;
  const secretOf = ({ name }: { name: string }) =>
    readNamedSecret(client, { namespace, name }, signal);

  const secrets = await orAuthenticationFailed('failed to get credential: ', async () => [
    ...(spec.secretRef
      ? [await readLoginSecret(client, { namespace, name: spec.secretRef.name }, signal)]
      : []),
    ...(spec.serviceAccountName
      ? await readPullSecrets(client, { namespace, name: spec.serviceAccountName }, signal)
      : []),
  ]);
  const proxy = await orAuthenticationFailed(
    'failed to get proxy address: ',
    async () => spec.proxySecretRef && proxyOf(await secretOf(spec.proxySecretRef)),
  );
  const cloud = secrets.length > 0 ? undefined : cloudOf(spec.provider);
  if (cloud !== undefined) requireObjectIdentity(identities, spec.serviceAccountName);
  const repository = parseUrl(url);
  const { serviceAccountName } = spec;
  const tls = await orAuthenticationFailed(
    `failed to generate transport for '${url}': `,
    async () => spec.certSecretRef && tlsOf(await secretOf(spec.certSecretRef)),
  );
  const login =
    cloud &&
    (await orAuthenticationFailed(`failed to get credential from ${cloud}: `, () =>
      identities.registryLogin(
        {
          provider: cloud,
          namespace,
          serviceAccountName,
          proxy,
          ownTrust: ownTrustOf(insecure, tls),
        },
        repository.registry,
        AbortSignal.any([signal, AbortSignal.timeout(timeoutOf(spec))]),
      ),
    ));
  const credentials: Credentials | undefined =
    login ??
    (await orAuthenticationFailed('failed to get credential: ', async () =>
      credentialsFor(repository, secrets.flatMap(readPullSecret)),
    ));
  const access = { registry: repository.registry, credentials, tls, proxy, insecure };
  const key = accessKey(access);
  return { url, repository, access, accessKey: key, key: digestOf([key, repository.name]) };
}

/** @throws Failure URLInvalid (stalled) */
function parseUrl(url: string): Repository {
  try {
    if (!url.startsWith(SCHEME)) {
      const message = "URL must be in format 'oci://<domain>/<org>/<repo>'";
      throw new OciError('InvalidReference', message);
    }
    return parseRepository(url.slice(SCHEME.length));
  } catch (cause) {
    const shown = url.replace(/\/\/[^/@]*@/, '//*****@');
    const message = `URL validation failed for '${shown}': ${messageOf(cause)}`;
    throw new Failure(Reason.URLInvalid, message, {
      ...{ condition: FETCH_FAILED, stalled: true, cause },
    });
  }
}

/** The key that decides which replica owns an OCIRepository. Those with equal keys share their pulls. */
export function ownershipKey({ spec, metadata }: OCIRepository): string {
  const { url, ref, insecure, secretRef, serviceAccountName, certSecretRef, proxySecretRef } = spec;
  const named = { secretRef, serviceAccountName, certSecretRef, proxySecretRef };
  const own = [url, ref, insecure, cloudOf(spec.provider)];
  return ownershipKeyOf('oci', metadata.namespace, own, named);
}
