import { isIP } from 'node:net';
import {
  type AddressPolicy,
  AddressRefused,
  proxyFor,
  type Resolver,
  resolveAllowed,
} from '@weir/net';
import { maskUrl } from '@weir/telemetry';
import { GitError } from './errors.ts';
import {
  type GitProxy,
  type ProxyRoute,
  parseProxy,
  proxyConfig,
  proxyUrl,
  routeThrough,
} from './proxy.ts';

/** How git reaches a URL: what it is given, so that it decides nothing of that itself. */
export interface Destination {
  /** The URL as every parser reads it. */
  url: string;
  /** The proxy to go through, if any: a URL for node:http, which speaks to HTTP proxies only. */
  proxy?: string | undefined;
  /** The same, where it is a tenant's, or where ssh has to go through it. */
  route?: ProxyRoute;
  /** The addresses of the host that are allowed; none when a proxy resolves it. */
  addresses: string[];
  /** The host and port of an ssh:// URL. */
  ssh?: { host: string; port: number };
  config: [key: string, value: string][];
}

export interface NetworkPolicy extends AddressPolicy {
  /** How names become addresses (tests). */
  resolver?: Resolver | undefined;
}

/**
 * Finds the addresses that a URL's host has and pins git to those that are allowed (`http.curloptResolve`, git 2.37): git
 * resolves nothing a second time, so a name server can't answer it with another address. Through a proxy the name goes as
 * it is; only a host that is written as an IP address is checked then. A look-up takes a thread of the process until the
 * system ends it, so a caller waits for it and keeps its slot meanwhile.
 * @param ownProxy the tenant's proxy, which comes before the operator's; its addresses are checked and pinned instead
 * @throws GitError AddressRefused; GitOperationFailed for a name that doesn't resolve. The caller says what it was doing.
 */
export async function findDestination(
  text: string,
  { resolver, ...policy }: NetworkPolicy = {},
  ownProxy?: GitProxy,
): Promise<Destination> {
  const url = new URL(text);
  if (url.protocol === 'file:') return { url: text, addresses: [], config: [] };
  if (url.protocol === 'ssh:') return findSshDestination(url, { resolver, ...policy }, ownProxy);
  // curl looks pinned names up without a dot at their end.
  url.hostname = url.hostname.replace(/\.+$/, '');
  const proxy = proxyFor(url, process.env);
  try {
    if (ownProxy !== undefined) {
      await checkBehindProxy(url.hostname, policy);
      const route = await routeThrough(ownProxy, policy, resolver);
      // node:http would look the proxy's name up again, so it gets the address; TLS would then check another name.
      const plain =
        route.scheme === 'http' ? proxyUrl(route, 'http', route.addresses[0]) : undefined;
      return { url: url.href, proxy: plain, route, addresses: [], config: proxyConfig(route) };
    }
    if (proxy !== undefined) {
      await checkBehindProxy(url.hostname, policy);
      return { url: url.href, proxy, addresses: [], config: [['http.proxy', proxy]] };
    }
    const addresses = await resolveAllowed(url.hostname, policy, resolver);
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    const list = addresses.map((address) => (address.includes(':') ? `[${address}]` : address));
    const pin = `${url.hostname}:${port}:${list.join(',')}`;
    // An address as a host needs no pin, and curl takes no brackets in a pin's host.
    const pins: Destination['config'] = url.hostname.startsWith('[')
      ? []
      : [['http.curloptResolve', pin]];
    return { url: url.href, addresses, config: [['http.proxy', ''], ...pins] };
  } catch (cause) {
    throw unresolved(url, cause);
  }
}

/** ssh is handed the addresses and looks nothing up either (`HostName`). */
async function findSshDestination(
  url: URL,
  { resolver, ...policy }: NetworkPolicy,
  ownProxy: GitProxy | undefined,
): Promise<Destination> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const ssh = { host, port: Number(url.port || 22) };
  const proxy = proxyFor(url, process.env);
  try {
    if (ownProxy !== undefined || proxy !== undefined) {
      await checkBehindProxy(host, policy);
      const route = ownProxy
        ? await routeThrough(ownProxy, policy, resolver)
        : await routeThrough(parseProxy(proxy ?? ''), { allowLocal: true }, resolver);
      return { url: url.href, route, addresses: [], ssh, config: [] };
    }
    const addresses = await resolveAllowed(host.replace(/\.+$/, ''), policy, resolver);
    return { url: url.href, addresses, ssh, config: [] };
  } catch (cause) {
    throw unresolved(url, cause);
  }
}

function unresolved(url: URL, cause: unknown): GitError {
  if (cause instanceof GitError) return cause;
  if (cause instanceof AddressRefused)
    return new GitError('AddressRefused', cause.message, { cause });
  const { code = '' } = cause as NodeJS.ErrnoException;
  const why =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? `Could not resolve host: ${(cause as { hostname?: string }).hostname ?? url.hostname}`
      : String(cause);
  const message = `unable to access '${maskUrl(url.href)}': ${why}`;
  return new GitError('GitOperationFailed', message, { cause });
}

/** The proxy looks a name up; a host that is written as an address is checked here. */
async function checkBehindProxy(host: string, policy: AddressPolicy): Promise<void> {
  await resolveAllowed(host, policy, (_, __, callback) => callback(null, anywhere));
}

/** Stands for what a proxy will find: nothing that is refused. */
const anywhere = [{ address: '192.0.2.1', family: 4 }];

/** Gives every name the addresses of a destination, which were checked. */
export function fixedResolver(addresses: readonly string[]): Resolver {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, _options, callback) => callback(null, found);
}
