// As whom a registry is asked for an ImageRepository: what its spec names, in the order and words of Flux.
import { type ImageRepository, Reason } from '@weir/api';
import { proxyOf, readNamedSecret, readPullSecrets, tlsOf } from '@weir/credentials';
import { type KubeClient, readTypedSecret } from '@weir/kube';
import {
  accessKey,
  credentialsFor,
  type RegistryAccess,
  type Repository,
  readPullSecret,
} from '@weir/oci';
import { Failure, messageOf } from '@weir/reconcile';

export interface Access {
  access: RegistryAccess;
  /** Stands for registry and access: equal keys may share what was listed. */
  key: string;
}

/**
 * Reads the Secrets that an ImageRepository names: of its own namespace, whoever asks.
 * @throws Failure AuthenticationFailed
 */
export async function readAccess(
  client: KubeClient,
  object: ImageRepository,
  repository: Repository,
  signal: AbortSignal,
): Promise<Access> {
  try {
    return await read(client, object, repository, signal);
  } catch (cause) {
    if (signal.aborted) throw cause;
    const message = `failed to configure authentication options: ${messageOf(cause)}`;
    throw new Failure(Reason.AuthenticationFailed, message, { cause });
  }
}

async function read(
  client: KubeClient,
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
  const tls = certSecretRef && tlsOf(await plainly(certSecretRef.name));
  const secrets = [
    ...(secretRef ? [await plainly(secretRef.name)] : []),
    ...(serviceAccountName
      ? await readPullSecrets(client, { namespace, name: serviceAccountName }, signal)
      : []),
  ];
  const credentials = credentialsFor(repository, secrets.flatMap(readPullSecret));
  const { registry } = repository;
  const access = { registry, credentials, tls, proxy, insecure, checkCertificate: true };
  return { access, key: accessKey(access) };
}
