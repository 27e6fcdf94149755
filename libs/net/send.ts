import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { AddressRefused } from './address.ts';
import type { Connections } from './connections.ts';

export interface SentRequest {
  method: string;
  url: URL;
  headers: OutgoingHttpHeaders;
  body?: string | Uint8Array | undefined;
  signal: AbortSignal;
  /** How long to wait for a connection, in ms. */
  connectTimeoutMs: number;
}

/**
 * Sends a request over connections that are kept, and gives the answer's head; its body is the caller's to read or to
 * destroy. Answers aren't compressed. Rejects with what Node says, or AddressRefused; see `connectionProblem`.
 */
export async function sendRequest(
  connections: Connections,
  { method, url, body, signal, connectTimeoutMs, ...request }: SentRequest,
): Promise<IncomingMessage> {
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
    // The connection may still fail after the answer's head has come, when nobody waits for the request any more.
    outgoing.on('error', () => undefined);
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    return response;
  } finally {
    clearTimeout(timer);
  }
}

/** An answer of at most so many bytes is read to its end, so that its connection can be used again. */
const MAX_DISCARDED = 64 * 1024;

/** Lets go of an answer that nobody reads. */
export function discard(response: IncomingMessage): void {
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  if (length <= MAX_DISCARDED) response.resume();
  else response.destroy();
}

const PLAIN_HTTP = /wrong version number|packet length too long|unknown protocol/i;

/** Whether both sides speak TLS and don't agree: there is no use in trying without. */
export function isTlsFailure(error: unknown): boolean {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  if (PLAIN_HTTP.test(message)) return false;
  return /^(ERR_SSL|ERR_TLS|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_)|_CERT(IFICATE)?_/.test(code);
}

/** Why there was no answer; where it can be, in the words that Go has for it, which Flux's users know. */
export function connectionProblem(cause: unknown): string {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (error instanceof AddressRefused) return message;
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
