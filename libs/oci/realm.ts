import { BlockList, isIP } from 'node:net';
import { addressClass } from '@weir/net';
import { OciError } from './errors.ts';

/** Private networks, beside the addresses that `@weir/net` refuses (RFC 1918, RFC 4193, RFC 6598). */
const privateNetworks = new BlockList();
for (const [address, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
] as const) {
  privateNetworks.addSubnet(address, bits, 'ipv4');
}
privateNetworks.addSubnet('fc00::', 7, 'ipv6');

/**
 * Checks the token server that a registry names, because that could be any service that this machine can reach: an
 * address that is not public is refused unless it is the registry's own, and plain HTTP unless the registry itself uses
 * it. The same rules as in go-containerregistry, which Flux uses; names are checked when they are resolved.
 * @param registry URL of the registry
 * @throws OciError Refused
 */
export function checkRealm(realm: string, registry: URL): URL {
  const refuse = (why: string) =>
    new OciError('Refused', `invalid realm in www-authenticate: ${why}`);
  if (!URL.canParse(realm)) throw refuse('it is no URL');
  const url = new URL(realm);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refuse('it is neither https nor http');
  }
  if (url.protocol === 'http:' && registry.protocol !== 'http:') {
    throw refuse('realm scheme "http" not allowed for a secure registry; use https');
  }
  url.username = '';
  url.password = '';
  if (url.host === registry.host) return url;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  if (family === 0) return url;
  const isPrivate = privateNetworks.check(host, family === 6 ? 'ipv6' : 'ipv4');
  if (isPrivate || addressClass(host) !== undefined) {
    throw refuse(`realm host ${JSON.stringify(host)} is a private or link-local address`);
  }
  return url;
}
