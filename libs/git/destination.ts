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

/**
 * How git reaches a URL: the URL, addresses and configuration that it is given, so that it decides none of this itself.
 */
export interface Destination {
  /** The URL in a form that all parsers read in the same way. */
  url: string;
  /** The proxy, if any: a URL for node:http, which supports HTTP proxies only. */
  proxy?: string | undefined;
  /** The same proxy, if it is a tenant's, or if ssh has to go through it. */
  route?: ProxyRoute;
  /** The allowed addresses of the host; none when a proxy resolves it. */
  addresses: string[];
  /** The host and port of an ssh:// URL. */
  ssh?: { host: string; port: number };
  config: [key: string, value: string][];
}

export interface NetworkPolicy extends AddressPolicy {
  /** Resolves names to addresses (tests). */
  resolver?: Resolver | undefined;
}

/**
 * Resolves a URL's host and pins git to the allowed addresses (`http.curloptResolve`, git 2.37): git doesn't resolve
 * the name again, so a name server can't give it another address. Through a proxy the name is sent as it is; only a
 * host that is written as an IP address is checked then. A look-up occupies a thread of the process until the system
 * ends it, so a caller waits for it and keeps its slot meanwhile.
 * @param ownProxy the tenant's proxy, which is used in place of the operator's; its addresses are checked and pinned
 * instead
 * @throws GitError AddressRefused; GitOperationFailed for a name that doesn't resolve. The caller adds what it was
 * doing.
 */
export async function findDestination(
  text: string,
  { resolver, ...policy }: NetworkPolicy = {},
  ownProxy?: GitProxy,
): Promise<Destination> {
  const url = new URL(text);
  if (url.protocol === 'file:') return { url: text, addresses: [], config: [] };
  if (url.protocol === 'ssh:') return findSshDestination(url, { resolver, ...policy }, ownProxy);
  // curl looks pinned names up without a trailing dot.
  url.hostname = url.hostname.replace(/\.+$/, '');
  const proxy = proxyFor(url, process.env);
  try {
    if (ownProxy !== undefined) {
      await checkBehindProxy(url.hostname, policy);
      const route = await routeThrough(ownProxy, policy, resolver);
      // node:http would resolve the proxy's name again, so it gets the address. With a TLS proxy, TLS would then check
      // another name.
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

/** ssh gets the addresses and resolves nothing either (`HostName`). */
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

/** The proxy resolves names; a host that is written as an IP address is checked here. */
async function checkBehindProxy(host: string, policy: AddressPolicy): Promise<void> {
  await resolveAllowed(host, policy, (_, __, callback) => callback(null, anywhere));
}

/** Represents the address that a proxy will find: one that is allowed. */
const anywhere = [{ address: '192.0.2.1', family: 4 }];

/** Resolves every name to the addresses of a destination, which were checked. */
export function fixedResolver(addresses: readonly string[]): Resolver {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, _options, callback) => callback(null, found);
}
