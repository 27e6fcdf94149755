import { BlockList, isIP } from 'node:net';

/** Variables of the environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a URL, as curl chooses it; undefined for a direct connection. `http_proxy`
 * is used in lower case only, because a CGI request could set HTTP_PROXY (https://curl.se/docs/manpage.html).
 */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const own: Record<string, string | undefined> = {
    'http:': env.http_proxy,
    'https:': env.https_proxy || env.HTTPS_PROXY,
  };
  const proxy = own[url.protocol] || env.all_proxy || env.ALL_PROXY;
  const exceptions = env.no_proxy || env.NO_PROXY || '';
  if (!proxy || isException(url.hostname, exceptions)) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Whether a host is in a `no_proxy` list: names with their subdomains, addresses, networks, or `*` for all. */
function isException(hostname: string, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.some((entry) => {
    if (entry === '*') return true;
    if (isIP(host) !== 0) return isInNetwork(host, entry);
    const name = entry.toLowerCase().replace(/^\.|\.$/g, '');
    return name !== '' && (host === name || host.endsWith(`.${name}`));
  });
}

function isInNetwork(address: string, entry: string): boolean {
  const [network = '', bits] = entry.replace(/[[\]]/g, '').split('/');
  const version = isIP(network);
  if (version === 0 || version !== isIP(address)) return false;
  const length = bits === undefined ? (version === 4 ? 32 : 128) : Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > (version === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, length, version === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, version === 4 ? 'ipv4' : 'ipv6');
}
