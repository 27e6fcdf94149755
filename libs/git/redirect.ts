import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { authorization, type GitAuth, trustedCertificates } from './auth.ts';
import { GitError } from './errors.ts';

export interface RedirectOptions {
  auth: GitAuth;
  /** Milliseconds for all of it. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** Where a smart HTTP client begins (gitprotocol-http). */
const discovery = '/info/refs?service=git-upload-pack';
const maxHops = 5;

/**
 * Finds the address that a server redirects a repository's URL to, as servers do that want `.git` at its end.
 * git itself would send the credentials to whatever address that is: this accepts the same host only, and never
 * goes from https to http.
 * @throws GitError when it leads to another host, or nowhere
 */
export async function redirectTarget(url: string, options: RedirectOptions): Promise<string> {
  let target = url;
  for (let hop = 0; hop < maxHops; hop++) {
    const location = await locationOf(target, options);
    if (location === undefined) return target;
    target = nextTarget(target, location);
  }
  throw new GitError('GitOperationFailed', `'${url}' redirects more than ${maxHops} times`);
}

/** The repository's URL behind a Location header, if credentials may go there. */
export function nextTarget(from: string, location: string): string {
  const here = new URL(from);
  const there = new URL(location, `${from.replace(/\/$/, '')}${discovery}`);
  const upgrade = here.protocol === 'http:' && there.protocol === 'https:';
  const sameOrigin = here.origin === there.origin;
  const defaultPorts = here.port === '' && there.port === '';
  const allowed = sameOrigin || (upgrade && defaultPorts && here.hostname === there.hostname);
  const address = there.href.replace(/^(\w+:\/\/)[^/@]*@/, '$1');
  if (!allowed || !address.endsWith(discovery)) {
    throw new GitError(
      'GitOperationFailed',
      `'${from}' redirects to '${address}', where its credentials are not sent: set the url to that of the repository there`,
    );
  }
  return address.slice(0, -discovery.length);
}

async function locationOf(url: string, options: RedirectOptions): Promise<string | undefined> {
  const { auth, timeoutMs, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  const header = authorization(auth);
  const request = send(`${url.replace(/\/$/, '')}${discovery}`, {
    headers: { 'User-Agent': 'git/2 weir', ...(header ? { Authorization: header } : {}) },
    agent: false,
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    ...(auth.caFile ? { ca: trustedCertificates(auth.caFile) } : {}),
    ...(auth.clientCert ? { cert: auth.clientCert } : {}),
    ...(auth.clientKey ? { key: auth.clientKey } : {}),
  });
  request.end();
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    const redirects = [301, 302, 307, 308].includes(response.statusCode ?? 0);
    return redirects ? response.headers.location : undefined;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new GitError('GitOperationFailed', `unable to access '${url}': ${message}`, { cause });
  }
}
