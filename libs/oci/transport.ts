import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { AddressRefused, type Connections } from '@weir/net';
import { aborted } from './deadline.ts';
import { OciError } from './errors.ts';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST';
  url: URL;
  headers: OutgoingHttpHeaders;
  body?: string | undefined;
  signal: AbortSignal;
  /** How long to wait for a connection, in ms. */
  connectTimeoutMs: number;
}

/** Method and URL, for messages: without a query, which may hold what a redirect signed. */
export function describe({ method, url }: Pick<HttpRequest, 'method' | 'url'>): string {
  return `${method} ${url.protocol}//${url.host}${url.pathname}`;
}

/**
 * Sends a request and gives the answer's head; its body is the caller's to read or to destroy.
 * @throws OciError Refused, Unreachable, Untrusted, Timeout, Aborted
 */
export async function send(
  connections: Connections,
  request: HttpRequest,
): Promise<IncomingMessage> {
  const { method, url, body, signal, connectTimeoutMs } = request;
  const headers = { 'accept-encoding': 'identity', ...request.headers };
  let timer: NodeJS.Timeout | undefined;
  try {
    signal.throwIfAborted();
    const outgoing = await connections.open(url, { method, headers, signal });
    outgoing.on('socket', (socket) => {
      if (!socket.connecting) return;
      timer = setTimeout(
        () => outgoing.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
        connectTimeoutMs,
      );
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () =>
        clearTimeout(timer),
      );
    });
    // What is sent without a body that is read, such as the answer to HEAD, may fail later: nobody waits for it then.
    outgoing.on('error', () => undefined);
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    return response;
  } catch (cause) {
    throw connectionError(request, cause);
  } finally {
    clearTimeout(timer);
  }
}

/** Why there was no answer; where it can be, in the words that Go has for it, which Flux's users know. */
function connectionError({ method, url, signal }: HttpRequest, cause: unknown): OciError {
  if (signal.aborted) return aborted(describe({ method, url }), signal);
  const what = `Get "${url.protocol}//${url.host}/v2/"`;
  if (cause instanceof AddressRefused) {
    return new OciError('Refused', `${what}: ${cause.message}`, { cause });
  }
  const error = (
    cause instanceof Error ? cause : new Error(String(cause))
  ) as NodeJS.ErrnoException;
  const reason = isTlsFailure(error) ? 'Untrusted' : 'Unreachable';
  return new OciError(reason, `${what}: ${connectionProblem(error)}`, { cause });
}

const PLAIN_HTTP = /wrong version number|packet length too long|unknown protocol/i;

/** Whether both sides speak TLS and don't agree: there is no use in trying without. */
function isTlsFailure({ code = '', message }: NodeJS.ErrnoException): boolean {
  if (PLAIN_HTTP.test(message)) return false;
  return /^(ERR_SSL|ERR_TLS|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_)|_CERT(IFICATE)?_/.test(code);
}

function connectionProblem({ code = '', message }: NodeJS.ErrnoException): string {
  if (PLAIN_HTTP.test(message)) {
    return 'http: server gave HTTP response to HTTPS client';
  }
  if (code === 'ECONNREFUSED') return 'dial tcp: connect: connection refused';
  if (code === 'ENOTFOUND') return 'dial tcp: lookup: no such host';
  if (/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code)) {
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
  }
  if (code === 'ECONNRESET') return 'the server closed the connection';
  return message.replace(/\s+/g, ' ').trim().slice(0, 300);
}
