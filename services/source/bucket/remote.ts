// Where a Bucket's objects are, as whom they are read, and how to open them.
import type { Bucket as BucketObject } from '@weir/api';
import {
  type NamedSecret,
  proxyOf,
  readLoginSecret,
  readNamedSecret,
  tlsOf,
} from '@weir/credentials';
import type { KubeClient } from '@weir/kube';
import type { ConnectionOptions, TlsOptions } from '@weir/net';
import type { Bucket } from '@weir/objectstore';
import { orAuthenticationFailed } from '../shared/authentication.ts';
import { ownershipKeyOf } from '../shared/keys.ts';
import { azureRemote } from './azure.ts';
import { gcsRemote } from './gcs.ts';
import { s3Remote } from './s3.ts';

/** What the operator says of connections and clouds. */
export interface Network extends Pick<ConnectionOptions, 'environment'> {
  allowLocal: boolean;
  /** URLs of a cloud's services by their names, where they aren't the public ones. */
  endpoints: Readonly<Record<string, string>>;
}

/** The bucket of an object store, with all that decides what may be seen of it. */
export interface Remote {
  bucket: string;
  /** @throws ObjectStoreError InvalidConfiguration, InvalidBucketName */
  open(network: Network): Bucket;
  /** Stands for all that `open` opens with: equal keys may share what was listed and fetched. */
  key: string;
}

/** The Secrets that a Bucket names, as far as they are the same for all providers. */
export interface Secrets {
  login: NamedSecret | undefined;
  stsLogin: NamedSecret | undefined;
  proxy: string | undefined;
  tls: TlsOptions | undefined;
  stsTls: TlsOptions | undefined;
}

/**
 * Reads the Secrets that a Bucket names, in the order and with the words of Flux.
 * @throws Failure AuthenticationFailed; URLInvalid (stalled)
 */
export async function readRemote(
  client: KubeClient,
  object: BucketObject,
  signal: AbortSignal,
): Promise<Remote> {
  const { spec } = object;
  const secrets = await readSecrets(client, object, signal);
  if (spec.provider === 'azure') return azureRemote(object, secrets);
  if (spec.provider === 'gcp') return gcsRemote(object, secrets);
  return s3Remote(object, secrets);
}

async function readSecrets(
  client: KubeClient,
  { spec, metadata }: BucketObject,
  signal: AbortSignal,
): Promise<Secrets> {
  const { sts } = spec;
  const { namespace = '' } = metadata;
  const secret = ({ name }: { name: string }) =>
    readNamedSecret(client, { namespace, name }, signal);
  const credential = (what: string, { name }: { name: string }) =>
    orAuthenticationFailed('', () => readLoginSecret(client, { namespace, name }, signal, what));

  const login = spec.secretRef && (await credential('secret', spec.secretRef));
  const stsLogin = sts?.secretRef && (await credential('STS secret', sts.secretRef));
  const proxy = await orAuthenticationFailed(
    'failed to get proxy URL: ',
    async () => spec.proxySecretRef && proxyOf(await secret(spec.proxySecretRef)),
  );
  const tls = await orAuthenticationFailed(
    'failed to get TLS config: ',
    async () => spec.certSecretRef && tlsOf(await secret(spec.certSecretRef)),
  );
  const stsTls = await orAuthenticationFailed(
    'failed to get STS TLS config: ',
    async () => sts?.certSecretRef && tlsOf(await secret(sts.certSecretRef)),
  );
  return { login, stsLogin, proxy, tls, stsTls };
}

/** What decides which replica owns a Bucket: those alike share what they list and fetch. */
export function ownershipKey({ spec, metadata }: BucketObject): string {
  const { provider = 'generic', endpoint, bucketName, prefix, region, insecure, sts } = spec;
  const { secretRef, certSecretRef, proxySecretRef, serviceAccountName } = spec;
  const named = { secretRef, certSecretRef, proxySecretRef, sts, serviceAccountName };
  const own = [endpoint, bucketName, prefix, region, insecure];
  // The key of those with the provider `generic` stays what it was, so that no update moves them to another replica.
  const all = provider === 'generic' ? own : [provider, ...own];
  return ownershipKeyOf('bucket', metadata.namespace, all, named);
}

/** The name of a Secret without its namespace, as Flux has it in messages about what is in it. */
export function plainName({ name }: NamedSecret): string {
  return name.slice(name.indexOf('/') + 1);
}
