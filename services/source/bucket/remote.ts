// Where a Bucket's objects are, and how to open them.
import type { Bucket as BucketObject } from '@weir/api';
import type { NamedSecret } from '@weir/credentials';
import { ownTrustOf, type Subject } from '@weir/identity';
import type { ConnectionOptions, TlsOptions } from '@weir/net';
import type { Bucket } from '@weir/objectstore';

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

/** As whom a cloud is asked for a Bucket that names no Secret. What Azure and Google Cloud give is sent as it is, so who sees it counts. */
export function subjectOf(
  { spec, metadata }: BucketObject,
  provider: Subject['provider'],
  { proxy, tls }: Partial<Pick<Secrets, 'proxy' | 'tls'>>,
): Subject {
  const { namespace = '' } = metadata;
  const ownTrust = provider === 'aws' ? undefined : ownTrustOf(false, tls);
  return { provider, namespace, serviceAccountName: spec.serviceAccountName, proxy, ownTrust };
}

/** The name of a Secret without its namespace, as Flux has it in messages about what is in it. */
export function plainName({ name }: NamedSecret): string {
  return name.slice(name.indexOf('/') + 1);
}
