import type { IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Listening, type ListenOptions, listen } from './listen.ts';

export interface ReceivedRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Milliseconds since 1970. */
  at: number;
}

export interface Reply {
  /** Default 200. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Wait before the answer. */
  delayMs?: number;
  /** Cuts the connection without an answer. */
  drop?: boolean;
}

export interface Receiver extends Listening {
  /** What arrived so far, oldest first. */
  requests(): ReceivedRequest[];
  /** How to answer from now on; a function may look at the request. Default: 200 `ok`. */
  reply(reply: Reply | ((request: ReceivedRequest) => Reply)): void;
  clear(): void;
}

/** Starts an HTTP server that records what it gets: a stand-in for Slack, Feishu and other receivers of webhooks. */
export async function startReceiver(
  options: ListenOptions & { onRequest?: (request: ReceivedRequest) => void } = {},
): Promise<Receiver> {
  const received: ReceivedRequest[] = [];
  let reply: (request: ReceivedRequest) => Reply = () => ({});
  const server = await listen((request, response) => {
    const answer = async (): Promise<void> => {
      const entry = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: (await buffer(request)).toString(),
        at: Date.now(),
      };
      received.push(entry);
      options.onRequest?.(entry);
      const { status = 200, headers = {}, body = 'ok', delayMs, drop } = reply(entry);
      if (delayMs !== undefined) await delay(delayMs);
      if (drop) request.socket.destroy();
      else response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
    };
    // The sender hung up in the middle of its request: there is nobody to answer.
    answer().catch(() => response.destroy());
  }, options);
  return {
    ...server,
    requests: () => [...received],
    reply: (next) => {
      reply = typeof next === 'function' ? next : () => next;
    },
    clear: () => {
      received.length = 0;
    },
  };
}
