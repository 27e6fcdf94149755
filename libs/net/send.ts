import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { AddressRefused } from './address.ts';
import type { Connections } from './connections.ts';
import { tlsProblem } from './tls.ts';

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
 * Sends a request over kept connections, and returns the head of the answer; the caller reads or destroys its body.
 * Answers aren't compressed. Rejects with Node's error or AddressRefused; see `connectionProblem`.
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
    // The connection may still fail after the head of the answer, when nothing waits for the request any more.
    outgoing.on('error', () => undefined);
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    return response;
  } finally {
    clearTimeout(timer);
  }
}

/** An answer of up to so many bytes is read to its end, so that its connection can be used again. */
const MAX_DISCARDED = 64 * 1024;

/** Discards an answer that is not needed. */
export function discard(response: IncomingMessage): void {
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  if (length <= MAX_DISCARDED) response.resume();
  else response.destroy();
}

/**
 * Why there was no answer; where it can be, in the words that Go has for it, which Flux's users know.
 * @param authority see `tlsProblem`
 */
export function connectionProblem(cause: unknown, authority?: string): string {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (error instanceof AddressRefused) return message;
  const problem = tlsProblem(error, authority);
  if (problem !== undefined) return problem;
  if (code === 'ECONNREFUSED') return 'dial tcp: connect: connection refused';
  if (code === 'ENOTFOUND') return 'dial tcp: lookup: no such host';
  if (code === 'ECONNRESET') return 'the server closed the connection';
  return message.replace(/\s+/g, ' ').trim().slice(0, 300);
}
