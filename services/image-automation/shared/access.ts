// As whom a registry is asked for an ImageRepository: what its spec names, in the order and words of Flux.
import { type ImageRepository, Reason } from '@weir/api';
import { proxyOf, readNamedSecret, readPullSecrets, tlsOf } from '@weir/credentials';
import { cloudOf, type Identities, ownTrustOf } from '@weir/identity';
import { type KubeClient, readTypedSecret } from '@weir/kube';
import {
  accessKey,
  credentialsFor,
  type RegistryAccess,
  type Repository,
  readPullSecret,
} from '@weir/oci';
import { Failure, messageOf, requireObjectIdentity } from '@weir/reconcile';
import { timeoutOf } from './timeout.ts';

interface Reader {
  client: KubeClient;
  identities: Identities;
}

export interface Access {
  access: RegistryAccess;
  /** Stands for registry and access: equal keys may share what was listed. */
  key: string;
}

/**
 * Reads the Secrets that an ImageRepository names: of its own namespace, whoever asks. A cloud that it names gives the login in
 * their place.
 * @throws Failure FeatureGateDisabled (stalled), AuthenticationFailed
 */
export async function readAccess(
  reader: Reader,
  object: ImageRepository,
  repository: Repository,
  signal: AbortSignal,
): Promise<Access> {
  const { provider, serviceAccountName } = object.spec;
  if (cloudOf(provider) !== undefined) requireObjectIdentity(reader.identities, serviceAccountName);
  try {
    return await read(reader, object, repository, signal);
  } catch (cause) {
    if (signal.aborted) throw cause;
    const message = `failed to configure authentication options: ${messageOf(cause)}`;
    throw new Failure(Reason.AuthenticationFailed, message, { cause });
  }
}

async function read(
  { client, identities }: Reader,
  { spec, metadata }: ImageRepository,
  repository: Repository,
  signal: AbortSignal,
): Promise<Access> {
  const { namespace = '' } = metadata;
  const { proxySecretRef, certSecretRef, secretRef, serviceAccountName, insecure = false } = spec;
  // What isn't there is told in the API server's own words.
  const plainly = async (name: string) => {
    const secret = await readTypedSecret(client, { namespace, name }, { signal });
    return { ...secret, name: `${namespace}/${name}` };
  };
  const proxy =
    proxySecretRef &&
    proxyOf(await readNamedSecret(client, { namespace, name: proxySecretRef.name }, signal));
  const { registry } = repository;
  const cloud = cloudOf(spec.provider);
  const tls = certSecretRef && tlsOf(await plainly(certSecretRef.name));
  const login =
    cloud &&
    (await identities.registryLogin(
      {
        provider: cloud,
        namespace,
        serviceAccountName,
        proxy,
        ownTrust: ownTrustOf(insecure, tls),
      },
      registry,
      AbortSignal.any([signal, AbortSignal.timeout(timeoutOf({ spec }))]),
    ));
  const pullSecrets = async () => [
    ...(secretRef ? [await plainly(secretRef.name)] : []),
    ...(serviceAccountName
      ? await readPullSecrets(client, { namespace, name: serviceAccountName }, signal)
      : []),
  ];
  const credentials =
    login ?? credentialsFor(repository, (await pullSecrets()).flatMap(readPullSecret));
  const access = { registry, credentials, tls, proxy, insecure, checkCertificate: true };
  return { access, key: accessKey(access) };
}
