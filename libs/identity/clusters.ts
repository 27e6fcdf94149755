// What the clouds' descriptions of clusters have in common.
import { X509Certificate } from 'node:crypto';
import { invalidAnswer, invalidConfiguration } from './errors.ts';
import type { ClusterReference } from './types.ts';

/** A certificate of an authority out of base64, as PEM. @throws IdentityError InvalidAnswer */
export function decodeCa(data: string, service: string): string {
  const pem = Buffer.from(data, 'base64').toString('utf8');
  try {
    new X509Certificate(pem);
    return pem;
  } catch {
    throw invalidAnswer(`the answer of ${service} has a certificate authority that is none`);
  }
}

/** The address of an API server as `https://<host>:<port>`, in lower case. @throws IdentityError InvalidConfiguration */
export function clusterAddress(address: string): string {
  if (address === '') throw invalidConfiguration('empty address');
  const shown = address.slice(0, 300);
  const url = URL.parse(address.startsWith('http') ? address : `https://${address}`);
  if (url === null || url.username !== '' || url.password !== '') {
    throw invalidConfiguration('failed to parse Kubernetes API server address: it is no URL');
  }
  if (url.protocol !== 'https:') {
    const what = `the Kubernetes API server address '${shown}' must use https scheme`;
    throw invalidConfiguration(what);
  }
  return `https://${url.hostname}:${url.port || '443'}`;
}

/** A cloud's description of a cluster. */
export interface DescribedCluster {
  /** Its addresses, the first one first. */
  hosts: readonly [string, ...string[]];
  ca: string | undefined;
}

/**
 * Chooses the address and the authority of a cluster: those in the object take precedence, as in Flux. A token of the
 * service's own identity is sent only to an address that the cloud knows for this cluster, with the authority that the
 * cloud has for it; otherwise the author of the object could have it sent elsewhere.
 * @throws IdentityError InvalidConfiguration
 */
export function chosen(
  { address, ca }: Pick<ClusterReference, 'address' | 'ca'>,
  described: DescribedCluster,
  isOwn: boolean,
): { host: string; ca: string | undefined } {
  if (!isOwn) return { host: address || described.hosts[0], ca: ca || described.ca };
  if (!address) return { host: described.hosts[0], ca: described.ca };
  const wanted = clusterAddress(address);
  if (described.hosts.some((host) => clusterAddress(host) === wanted)) {
    return { host: address, ca: described.ca };
  }
  throw invalidConfiguration(
    `'${wanted.slice(0, 300)}' is no address of this cluster: without a service account a token is sent to the cluster's own addresses alone`,
  );
}
