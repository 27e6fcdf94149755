import type { Expiring } from '@weir/async';

/** As whom a cloud is asked. */
export interface Subject {
  provider: Provider;
  /**
   * Namespace of the object on whose behalf is asked. Its account is looked up there and nowhere else, and the share of
   * slots that a tenant has counts by it.
   */
  namespace: string;
  /** The account that the object names. Without one the default account counts, and without that the service's own identity. */
  serviceAccountName?: string | undefined;
  /** URL of the object's HTTP proxy. It counts for services over https alone, and never for metadata services. */
  proxy?: string | undefined;
  /**
   * Whom TLS trusts because the object says so, on the connection on which the token or login will be used: an authority that the
   * object names, or anybody (also where there is no TLS at all). Whoever may say that, and choose the proxy as well, could read what
   * passes. So the service's own identity isn't shown then.
   */
  ownTrust?: 'authority' | 'anybody' | undefined;
}

/** Whom TLS trusts because an object says so, by what its fields say. */
export function ownTrustOf(
  insecure: boolean,
  tls: { ca?: string | undefined } | undefined,
): Subject['ownTrust'] {
  if (insecure) return 'anybody';
  return tls?.ca === undefined ? undefined : 'authority';
}

export type Provider = Cloud | 'generic';
export type Cloud = 'aws' | 'azure' | 'gcp';

/** The cloud that the provider of an object names; undefined for `generic` and for none. */
export function cloudOf(provider: string | undefined): Cloud | undefined {
  return provider === 'aws' || provider === 'azure' || provider === 'gcp' ? provider : undefined;
}

export interface AccessToken extends Expiring {
  token: string;
}

export interface AwsCredentials extends Expiring {
  accessKeyId: string;
  secretAccessKey: string;
  /** Undefined for keys that the operator set, which have none. */
  sessionToken: string | undefined;
}

export interface Login extends Expiring {
  username: string;
  password: string;
}

/** A login of a Git server: for Basic authentication, or a bearer token. */
export type GitLogin = Login | (Expiring & { bearerToken: string });

/** A cluster of a cloud, by its name there. What is given besides isn't looked up. */
export interface ClusterReference {
  /** ARN, id of the resource in Azure, or `projects/<id>/locations/<name>/clusters/<name>`. */
  cluster?: string | undefined;
  /** URL of the API server, or its host. */
  address?: string | undefined;
  /** PEM. */
  ca?: string | undefined;
  /** Of a generic token; the address unless given. */
  audiences?: readonly string[] | undefined;
}

/** How a cluster is reached. */
export interface RestConfig extends AccessToken {
  host: string;
  /** PEM; undefined where the system's authorities count. */
  ca: string | undefined;
}
