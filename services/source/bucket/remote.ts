// The bucket that a Bucket object names, and how to open it.
import type { Bucket as BucketObject } from '@weir/api';
import type { NamedSecret } from '@weir/credentials';
import { ownTrustOf, type Subject } from '@weir/identity';
import type { ConnectionOptions, TlsOptions } from '@weir/net';
import type { Bucket } from '@weir/objectstore';

/** The operator's settings for connections and clouds. */
export interface Network extends Pick<ConnectionOptions, 'environment'> {
  allowLocal: boolean;
  /** URLs of cloud services by name, where they differ from the public ones. */
  endpoints: Readonly<Record<string, string>>;
}

/** A bucket of an object store, with everything that decides what can be seen in it. */
export interface Remote {
  bucket: string;
  /** @throws ObjectStoreError InvalidConfiguration, InvalidBucketName */
  open(network: Network): Bucket;
  /** Represents everything that `open` uses: Buckets with equal keys may share what was listed and fetched. */
  key: string;
}

/** The Secrets that a Bucket names, as far as all providers read them in the same way. */
export interface Secrets {
  login: NamedSecret | undefined;
  stsLogin: NamedSecret | undefined;
  proxy: string | undefined;
  tls: TlsOptions | undefined;
  stsTls: TlsOptions | undefined;
}

/**
 * The identity for a Bucket that names no Secret. Tokens of Azure and Google Cloud are sent as they are, so it matters
 * who could read them.
 */
export function subjectOf(
  { spec, metadata }: BucketObject,
  provider: Subject['provider'],
  { proxy, tls }: Partial<Pick<Secrets, 'proxy' | 'tls'>>,
): Subject {
  const { namespace = '' } = metadata;
  const ownTrust = provider === 'aws' ? undefined : ownTrustOf(false, tls);
  return { provider, namespace, serviceAccountName: spec.serviceAccountName, proxy, ownTrust };
}

/** The name of a Secret without its namespace, as Flux's messages about its content have it. */
export function plainName({ name }: NamedSecret): string {
  return name.slice(name.indexOf('/') + 1);
}
