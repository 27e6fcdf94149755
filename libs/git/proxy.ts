// Proxies that tenants name: their addresses are checked and pinned like those of Git servers.
import { isIP } from 'node:net';
import { type AddressPolicy, type Resolver, resolveAllowed } from '@weir/net';
import { GitError } from './errors.ts';

/** A proxy that a tenant names; the operator's own comes from the environment. */
export interface GitProxy {
  /** `http`, `https` or `socks5`; without credentials. */
  url: string;
  username?: string;
  password?: string;
}

/** A proxy with its addresses. */
export interface ProxyRoute extends GitProxy {
  scheme: 'http' | 'https' | 'socks5';
  /** Without brackets. */
  host: string;
  port: number;
  addresses: string[];
}

const defaultPorts = { http: 80, https: 443, socks5: 1080 };
type Scheme = keyof typeof defaultPorts;

/**
 * Checks a proxy's URL, and takes the credentials out of it.
 * @throws GitError InvalidArgument
 */
export function parseProxy(address: string, username?: string, password?: string): GitProxy {
  const url = URL.parse(address.includes('://') ? address : `http://${address}`);
  const scheme = url?.protocol.slice(0, -1).replace('socks5h', 'socks5') ?? '';
  if (url === null || !(scheme in defaultPorts) || !isHost(url.hostname)) {
    const message = 'invalid proxy address: it must be like http://host:port or socks5://host:port';
    throw new GitError('InvalidArgument', message);
  }
  const user = username || decode(url.username);
  const secret = password || decode(url.password);
  // RFC 1929 gives each a length of one byte.
  for (const [name, text] of [['username', user] as const, ['password', secret] as const]) {
    if (scheme === 'socks5' && Buffer.byteLength(text) > 255) {
      throw new GitError('InvalidArgument', `invalid proxy ${name}: SOCKS5 takes 255 bytes`);
    }
  }
  return {
    url: `${scheme}://${url.host}`,
    ...(user ? { username: user } : {}),
    ...(secret ? { password: secret } : {}),
  };
}

/** URLs of other schemes than http may hold nearly any character in their host. */
function isHost(host: string): boolean {
  return /^[a-z0-9_]([a-z0-9._-]*[a-z0-9_.])?$/i.test(host) || /^\[[0-9a-f:.]+\]$/i.test(host);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    const message = 'invalid proxy address: its user information is not percent-encoded correctly';
    throw new GitError('InvalidArgument', message, { cause });
  }
}

/**
 * Finds the addresses of a proxy that are allowed.
 * @throws AddressRefused; the system's error when the name doesn't resolve
 */
export async function routeThrough(
  proxy: GitProxy,
  policy: AddressPolicy,
  resolver: Resolver | undefined,
): Promise<ProxyRoute> {
  const { protocol, hostname, port } = new URL(proxy.url);
  const scheme = protocol.slice(0, -1) as Scheme;
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
  const addresses = await resolveAllowed(host, policy, resolver);
  return { ...proxy, scheme, host, port: Number(port || defaultPorts[scheme]), addresses };
}

/** Git's configuration for a proxy: the proxy resolves the repository's host, and the proxy's own name is pinned. */
export function proxyConfig(route: ProxyRoute): [key: string, value: string][] {
  const { scheme, host, port, addresses } = route;
  const list = addresses.map((address) => (address.includes(':') ? `[${address}]` : address));
  const pin = `${host}:${port}:${list.join(',')}`;
  return [
    // With socks5 curl would resolve the repository's host itself (curl(1), --socks5-hostname).
    ['http.proxy', proxyUrl(route, scheme === 'socks5' ? 'socks5h' : scheme)],
    ['http.proxyAuthMethod', 'basic'],
    ...(isIP(host) === 0 ? [['http.curloptResolve', pin] as [string, string]] : []),
  ];
}

/**
 * A tenant's proxy for requests of node:http, with its address in place of its name. Only proxies of the scheme http
 * can be given by address: with TLS another name would be checked.
 * @throws GitError InvalidArgument for another scheme; AddressRefused; the system's error
 */
export async function requestProxy(
  proxy: GitProxy,
  { resolver, ...policy }: AddressPolicy & { resolver?: Resolver | undefined },
): Promise<string> {
  const route = await routeThrough(proxy, policy, resolver);
  if (route.scheme === 'http') return proxyUrl(route, 'http', route.addresses[0]);
  const message = `a proxy of the scheme ${route.scheme} takes requests of Git alone: use one of http`;
  throw new GitError('InvalidArgument', message);
}

/** The proxy's URL with its credentials. */
export function proxyUrl(
  route: ProxyRoute,
  scheme: string = route.scheme,
  host = route.host,
): string {
  const { username, password, port } = route;
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  const user = username === undefined ? '' : `${encodeURIComponent(username)}${secret}@`;
  return `${scheme}://${user}${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The parts of a proxy's credentials that must not be in a message. */
export function proxySecrets({ password }: GitProxy): string[] {
  return password ? [password, encodeURIComponent(password)] : [];
}
