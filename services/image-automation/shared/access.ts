// Reads the credentials with which a registry is asked for an ImageRepository, in Flux's order and with Flux's
// messages.
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
  /** Represents registry and access: objects with equal keys may share a listing. */
  key: string;
}

/**
 * Reads the Secrets that an ImageRepository names, from its own namespace. Without Secrets, the cloud that it names
 * gives the login.
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
  // A missing Secret is reported with the API server's message.
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
