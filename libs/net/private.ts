import { isIP } from 'node:net';
import { addressClass } from './address.ts';

/**
 * Whether nobody on the way can read what is sent to a URL: it is sent over TLS, or stays on this machine. For requests
 * with a token or a password.
 */
export function staysPrivate({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true;
  const host = hostname.replace(/^\[|\]$/g, '');
  const isLocal = isIP(host) === 0 ? host === 'localhost' : addressClass(host) === 'loopback';
  return protocol === 'http:' && isLocal;
}
