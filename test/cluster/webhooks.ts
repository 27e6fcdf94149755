import type { IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Listening, type ListenOptions, listen } from './listen.ts';

export interface ReceivedRequest {
  method: string;
  /** The path with its query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Milliseconds since 1970. */
  at: number;
  /** The status that it was answered with; undefined before that, and when there was no answer. */
  status?: number;
}

export interface Reply {
  /** 200 unless given. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** How long to wait before the answer, in ms. */
  delayMs?: number;
  /** Whether to close the connection without an answer. */
  drop?: boolean;
}

export interface Receiver extends Listening {
  /** The requests that were received so far, oldest first. */
  requests(): ReceivedRequest[];
  /** Sets the answer to all further requests; a function gets the request. Before the first call it is 200 `ok`. */
  reply(reply: Reply | ((request: ReceivedRequest) => Reply)): void;
  clear(): void;
}

/** Starts an HTTP server that records its requests, in place of Slack, Feishu and other receivers of webhooks. */
export async function startReceiver(
  options: ListenOptions & { onRequest?: (request: ReceivedRequest) => void } = {},
): Promise<Receiver> {
  const received: ReceivedRequest[] = [];
  let reply: (request: ReceivedRequest) => Reply = () => ({});
  const server = await listen((request, response) => {
    const answer = async (): Promise<void> => {
      const entry: ReceivedRequest = {
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
      else {
        entry.status = status;
        response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
      }
    };
    // Reading the request fails when the sender disconnects in the middle of it. Then there is nobody to answer.
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
