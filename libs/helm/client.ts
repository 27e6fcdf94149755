// A client of one chart repository over HTTP, with one set of credentials.

import type { IncomingMessage } from 'node:http';
import { isTimeout } from '@weir/async';
import {
  AddressRefused,
  type ConnectionOptions,
  type Connections,
  connectionProblem,
  discard,
  followRedirects,
  keepConnections,
  RedirectRefused,
  sendRequest,
  type TlsOptions,
} from '@weir/net';
import { HelmError } from './errors.ts';
import { showUrl } from './url.ts';

export interface ClientOptions {
  /** URL of the repository: credentials and the client's certificate are sent to its host only. */
  url: string;
  credentials?: { username: string; password: string } | undefined;
  /**
   * Also sends the credentials to the host that the index names for a chart, but never to another host after a
   * redirect.
   */
  passCredentials?: boolean | undefined;
  tls?: Pick<TlsOptions, 'ca' | 'certificate' | 'key'> | undefined;
  allowLocal?: boolean | undefined;
  /** The environment with the operator's proxies. */
  environment?: NodeJS.ProcessEnv | undefined;
}

/** Validators of a file's state, which are sent with later requests (RFC 9110, 8.8). */
export interface Validators {
  etag?: string | undefined;
  lastModified?: string | undefined;
}

export interface Answer {
  validators: Validators;
  /** The content. It fails with a HelmError when it is longer than allowed or breaks off. */
  content: AsyncIterable<Buffer>;
}

export interface GetOptions {
  /** Bytes of the content, at most. */
  maxBytes: number;
  /** The message for a longer content, in Flux's words. */
  tooLarge: string;
  /** The validators of the known state: if the file has not changed, there is no answer. */
  known?: Validators | undefined;
  signal: AbortSignal;
}

export interface Client {
  /**
   * Gets a file; undefined if it has not changed since the known state.
   * @throws HelmError
   */
  get(url: URL, options: GetOptions): Promise<Answer | undefined>;
  /** Closes the connections that are kept. */
  close(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const USER_AGENT = 'weir/v1';
/** A longer validator is ignored, because validators are kept and sent again. */
const MAX_VALIDATOR = 1024;

/** Opens no connection yet. @throws HelmError InvalidConfiguration for what is no certificate or key */
export function openClient(options: ClientOptions): Client {
  const { credentials, passCredentials = false, tls, allowLocal, environment } = options;
  const origin = new URL(options.url).origin;
  const shared: ConnectionOptions = { allowLocal, environment };
  const own = connectionsWith({ ...shared, tls });
  // The client's certificate is not used for other hosts than the repository's.
  const foreign = connectionsWith({ ...shared, tls: { ca: tls?.ca } });
  const authorization =
    credentials &&
    `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;

  function send(url: URL, known: Validators, signal: AbortSignal, isRedirect: boolean) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      const message = `could not find protocol handler for: ${url.protocol.slice(0, -1)}`;
      throw new HelmError('InvalidUrl', message);
    }
    const isOwn = url.origin === origin;
    const isShown = isOwn || (passCredentials && !isRedirect);
    return sendRequest(isOwn ? own : foreign, {
      ...{ method: 'GET', url, signal, connectTimeoutMs: CONNECT_TIMEOUT_MS },
      headers: {
        'user-agent': USER_AGENT,
        ...(authorization !== undefined && isShown ? { authorization } : {}),
        ...(known.etag === undefined ? {} : { 'if-none-match': known.etag }),
        ...(known.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
      },
    });
  }

  return {
    async get(url, { known = {}, signal, ...bounds }) {
      let response: IncomingMessage;
      try {
        const first = { response: await send(url, known, signal, false), url };
        ({ response } = await followRedirects(first, (to) => send(to, known, signal, true)));
      } catch (cause) {
        throw requestError(url, signal, cause);
      }
      const { statusCode: status = 0, headers } = response;
      const isKnown = known.etag !== undefined || known.lastModified !== undefined;
      if (status === 304 && isKnown) {
        discard(response);
        return undefined;
      }
      if (status !== 200) {
        discard(response);
        const message = `failed to fetch ${showUrl(url)} : ${status} ${statusText(response)}`;
        throw new HelmError('UnexpectedStatus', message.trimEnd(), { status });
      }
      const validators = {
        etag: shortOf(headers.etag),
        lastModified: shortOf(headers['last-modified']),
      };
      return { validators, content: contentOf(response, url, { ...bounds, signal }) };
    },
    close() {
      own.close();
      foreign.close();
    },
  };
}

/** The reason phrase, if it is safe to show. */
function statusText({ statusMessage = '' }: IncomingMessage): string {
  return /^[A-Za-z' -]{0,60}$/.test(statusMessage) ? statusMessage : '';
}

function shortOf(header: string | undefined): string | undefined {
  return header !== undefined && header.length <= MAX_VALIDATOR ? header : undefined;
}

function connectionsWith(options: ConnectionOptions): Connections {
  try {
    return keepConnections(options);
  } catch (cause) {
    const message = 'a certificate or key is not what it should be in PEM';
    throw new HelmError('InvalidConfiguration', message, { cause });
  }
}

function requestError(url: URL, signal: AbortSignal, cause: unknown): HelmError {
  if (cause instanceof HelmError) return cause;
  const what = `Get ${JSON.stringify(showUrl(url))}`;
  if (signal.aborted) return interrupted(what, signal);
  if (cause instanceof RedirectRefused || cause instanceof AddressRefused) {
    return new HelmError('Refused', `${what}: ${cause.message}`, { cause });
  }
  return new HelmError('Unreachable', `${what}: ${connectionProblem(cause)}`, { cause });
}

/** The error of a request that a signal has ended. */
function interrupted(what: string, signal: AbortSignal): HelmError {
  const cause: unknown = signal.reason;
  return isTimeout(cause)
    ? new HelmError('Timeout', `${what}: context deadline exceeded`, { cause })
    : new HelmError('Aborted', `${what}: aborted`, { cause });
}

async function* contentOf(
  response: IncomingMessage,
  url: URL,
  { maxBytes, tooLarge, signal }: GetOptions,
): AsyncGenerator<Buffer> {
  const what = `Get ${JSON.stringify(showUrl(url))}`;
  let size = 0;
  try {
    if (Number(response.headers['content-length'] ?? 0) > maxBytes) {
      throw new HelmError('TooLarge', tooLarge);
    }
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new HelmError('TooLarge', tooLarge);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof HelmError) throw cause;
    if (signal.aborted) throw interrupted(what, signal);
    const message = `${what}: the connection broke before the answer was whole`;
    throw new HelmError('Truncated', message, { cause });
  } finally {
    response.destroy();
  }
}
