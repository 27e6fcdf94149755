// Requests to an LFS server and to the hosts of its contents. The server may name any host: credentials and the
// client's certificate are sent to the server only.

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { isTimeout } from '@weir/async';
import {
  AddressRefused,
  connectionProblem,
  discard,
  followRedirects,
  keepConnections,
  RedirectRefused,
  readBounded,
  sendRequest,
} from '@weir/net';
import { maskUrl } from '@weir/telemetry';
import { authorization, type GitAuth } from '../auth.ts';
import type { NetworkPolicy } from '../destination.ts';
import { GitError, type GitReason } from '../errors.ts';
import { type GitProxy, requestProxy } from '../proxy.ts';

export interface LfsRemote {
  /** URL of the repository, without credentials. */
  url: string;
  auth?: GitAuth | undefined;
  proxy?: GitProxy | undefined;
  network?: NetworkPolicy | undefined;
  signal: AbortSignal;
}

export interface LfsClient {
  /** URL of the server, by the rules of git-lfs (docs/api/server-discovery.md). */
  url: URL;
  /**
   * Posts JSON to a path of the server, and returns the answer, which has `maxBytes` at most.
   * @throws GitError
   */
  post(path: string, body: unknown, maxBytes: number): Promise<unknown>;
  /**
   * Gets a URL that the server named.
   * @param headers those that the server wants to be sent with it
   * @throws GitError
   */
  get(url: URL, headers: OutgoingHttpHeaders): Promise<IncomingMessage>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MEDIA_TYPE = 'application/vnd.git-lfs+json';
const USER_AGENT = 'git-lfs/3 weir';

/** Opens no connection yet. @throws GitError InvalidArgument for a URL that isn't of http or https, or a proxy that can't be used */
export async function openLfs({ auth, network, signal, ...remote }: LfsRemote): Promise<LfsClient> {
  const url = serverOf(remote.url);
  const { resolver: _, ...policy } = network ?? {};
  const proxy = remote.proxy && (await requestProxy(remote.proxy, network ?? {}));
  const shared = { ...policy, proxy, environment: process.env };
  const ca = auth?.caFile;
  const own = keepConnections({
    ...shared,
    tls: { ca, certificate: auth?.clientCert, key: auth?.clientKey },
  });
  const foreign = keepConnections({ ...shared, tls: { ca } });
  const header = auth && authorization(auth);

  function send(to: URL, method: string, headers: OutgoingHttpHeaders, body?: string) {
    return sendRequest(to.origin === url.origin ? own : foreign, {
      ...{ method, url: to, body, signal, connectTimeoutMs: CONNECT_TIMEOUT_MS },
      headers: { ...headers, 'user-agent': USER_AGENT },
    });
  }

  return {
    url,
    async post(path, body, maxBytes) {
      const to = new URL(`${url.pathname}/${path}`, url);
      const headers = {
        ...{ accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE },
        ...(header === undefined ? {} : { authorization: header }),
      };
      const response = await guarded(to, signal, () =>
        send(to, 'POST', headers, JSON.stringify(body)),
      );
      checkStatus(to, response);
      return guarded(to, signal, () => readJson(response, maxBytes));
    },
    async get(to, headers) {
      if (url.protocol === 'https:' && to.protocol !== 'https:') {
        throw failure('GitOperationFailed', to, 'it is not encrypted, as the LFS server is');
      }
      const isAuthorized = Object.keys(headers).some((name) => /^authorization$/i.test(name));
      const isOwn = to.origin === url.origin;
      const sent =
        isOwn && !isAuthorized && header !== undefined
          ? { ...headers, authorization: header }
          : headers;
      const response = await guarded(to, signal, async () => {
        const first = { response: await send(to, 'GET', sent), url: to };
        const followed = await followRedirects(first, (next) =>
          send(next, 'GET', next.origin === to.origin ? sent : {}),
        );
        return followed.response;
      });
      checkStatus(to, response);
      return response;
    },
    close() {
      own.close();
      foreign.close();
    },
  };
}

/** `https://host/name` has its LFS server at `https://host/name.git/info/lfs`. */
function serverOf(repository: string): URL {
  const url = new URL(repository);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new GitError('InvalidArgument', 'spec.lfs needs a url of http or https');
  }
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = `${path.endsWith('.git') ? path : `${path}.git`}/info/lfs`;
  return url;
}

async function guarded<T>(url: URL, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof GitError) throw cause;
    if (signal.aborted) throw interrupted(url, signal);
    if (cause instanceof AddressRefused) throw failure('AddressRefused', url, cause.message, cause);
    const why = cause instanceof RedirectRefused ? cause.message : connectionProblem(cause);
    throw failure('Unreachable', url, why, cause);
  }
}

/** The error of a request that a signal has ended. */
export function interrupted(url: URL, { reason }: AbortSignal): GitError {
  return isTimeout(reason)
    ? failure('Timeout', url, 'it took too long (spec.timeout)', reason)
    : failure('Aborted', url, 'aborted', reason);
}

const REASONS: Record<number, [reason: GitReason, why: string]> = {
  401: ['AuthenticationFailed', 'authentication required'],
  403: ['AuthorizationFailed', 'authorization failed'],
  404: ['RepositoryNotFound', 'there is no LFS server, or no such repository'],
};

function checkStatus(url: URL, response: IncomingMessage): void {
  const { statusCode: status = 0 } = response;
  if (status === 200) return;
  discard(response);
  const [reason, why] = REASONS[status] ?? ['GitOperationFailed', `status ${status}`];
  throw failure(reason, url, why);
}

/** An error with the URL of the failed request, without the query, which may have a signature. */
export function failure(reason: GitReason, url: URL, why: string, cause?: unknown): GitError {
  const shown = maskUrl(`${url.origin}${url.pathname}`).slice(0, 300);
  return new GitError(reason, `unable to access '${shown}': ${why}`, { cause });
}

async function readJson(response: IncomingMessage, maxBytes: number): Promise<unknown> {
  const bytes = await readBounded(response, maxBytes);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The message of JSON.parse quotes the answer, which may be any service's.
    throw new Error('the answer is no JSON');
  }
}
