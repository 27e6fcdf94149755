import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { openRequest } from '@weir/net';
import { maskUrl } from '@weir/telemetry';
import { authorization, type GitAuth, hasCredentials, nodeTls } from './auth.ts';
import { findDestination, fixedResolver, type NetworkPolicy } from './destination.ts';
import { GitError } from './errors.ts';
import { cleanLine } from './mask.ts';
import type { GitProxy } from './proxy.ts';

export interface RedirectOptions {
  auth?: GitAuth | undefined;
  signal: AbortSignal;
  network?: NetworkPolicy | undefined;
  proxy?: GitProxy | undefined;
}

/** Where a smart HTTP client begins (gitprotocol-http). */
const discovery = '/info/refs';
const service = 'service=git-upload-pack';
const maxHops = 5;

/**
 * Finds the address that a server redirects a repository's URL to, as some servers do for URLs without `.git`. git
 * itself would send credentials to that address, and connect to any: here every hop is checked like the first URL, with
 * credentials only the same host is accepted, and never http after https.
 * @throws GitError when it leads to a forbidden address, or to none
 */
export async function redirectTarget(url: string, options: RedirectOptions): Promise<string> {
  let target = url;
  for (let hop = 0; hop < maxHops; hop++) {
    const location = await locationOf(target, options);
    if (location === undefined) return target;
    target = nextTarget(target, location, hasCredentials(options.auth));
  }
  throw new GitError(
    'GitOperationFailed',
    `'${maskUrl(url)}' redirects more than ${maxHops} times`,
  );
}

/** The repository's URL for a Location header, if the redirect may be followed. */
export function nextTarget(from: string, location: string, withCredentials: boolean): string {
  const here = new URL(from);
  const there = URL.parse(location, discoveryOf(from).href);
  const fail = (why: string): never => {
    const where = cleanLine(maskUrl(there?.href ?? 'somewhere'), 200);
    throw new GitError(
      'GitOperationFailed',
      `'${maskUrl(from)}' redirects to '${where}', ${why}: set the url to that of the repository there`,
    );
  };
  if (there === null || !['http:', 'https:'].includes(there.protocol))
    return fail('which is no way');
  there.username = '';
  there.password = '';
  if (here.protocol === 'https:' && there.protocol === 'http:') {
    return fail('which is not encrypted');
  }
  const defaultPorts = here.port === '' && there.port === '';
  const upgrade = here.protocol === 'http:' && there.protocol === 'https:' && defaultPorts;
  const sameHost = here.origin === there.origin || (upgrade && here.hostname === there.hostname);
  if (withCredentials && !sameHost) return fail('where its credentials are not sent');
  const repository = withoutDiscovery(there.href);
  return repository ?? fail('which is no repository');
}

function discoveryOf(url: string): URL {
  const plain = url.replace(/\/$/, '');
  return new URL(`${plain}${discovery}${plain.includes('?') ? '&' : '?'}${service}`);
}

function withoutDiscovery(url: string): string | undefined {
  const end = [`${discovery}?${service}`, `${discovery}&${service}`].find((it) => url.endsWith(it));
  return end && url.slice(0, -end.length);
}

async function locationOf(
  url: string,
  { auth, signal, network, proxy: ownProxy }: RedirectOptions,
): Promise<string | undefined> {
  const { proxy, route, addresses } = await findDestination(url, network, ownProxy);
  if (route !== undefined && proxy === undefined) {
    const why = `redirects are followed through proxies of the scheme http only, and not ${route.scheme}`;
    const advice = 'set the url to that of the repository there';
    throw new GitError('GitOperationFailed', `'${maskUrl(url)}' redirects: ${why}: ${advice}`);
  }
  signal.throwIfAborted();
  const header = auth && authorization(auth);
  try {
    const request = openRequest(
      discoveryOf(url),
      {
        headers: { 'User-Agent': 'git/2 weir', ...(header ? { Authorization: header } : {}) },
        signal,
        ...nodeTls(auth),
      },
      { allowLocal: network?.allowLocal, proxy, resolver: fixedResolver(addresses) },
    );
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    // Only the header is needed: the body may have no end.
    response.destroy();
    const redirects = [301, 302, 307, 308].includes(response.statusCode ?? 0);
    return redirects ? response.headers.location : undefined;
  } catch (cause) {
    const why = cleanLine(cause instanceof Error ? cause.message : String(cause), 300);
    throw new GitError('GitOperationFailed', `unable to access '${maskUrl(url)}': ${why}`, {
      cause,
    });
  }
}
