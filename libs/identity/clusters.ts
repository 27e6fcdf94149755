// What the clouds' answers about clusters have in common.
import { X509Certificate } from 'node:crypto';
import { invalidAnswer, invalidConfiguration } from './errors.ts';

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
