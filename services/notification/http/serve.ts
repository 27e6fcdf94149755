// HTTP servers for requests from outside: events of other controllers, and webhooks.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  status: number;
  body?: string;
  headers?: Readonly<Record<string, string>>;
}

export interface ServeOptions {
  /** 0 for any free one. */
  port: number;
  /** Requests at a time; further ones get 503 at once. */
  concurrency: number;
  /** An error is passed to `failed`, and the answer is 500 without its message. */
  answer(request: IncomingMessage): Promise<Answer>;
  failed(error: unknown): void;
}

export interface HttpService {
  port: number;
  /** Accepts no more requests, and resolves when those under way are answered, after 5 s at most. */
  close(): Promise<void>;
}

/** Sockets that may be open; more are refused by the system's queue. */
const MAX_CONNECTIONS = 1_000;
/** Clients that send headers or bodies slowly are disconnected, so that nobody holds a slot for long. Milliseconds. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const CLOSE_MS = 5_000;

/** Serves on all interfaces. Rejects when the port is taken. */
export async function serveHttp(options: ServeOptions): Promise<HttpService> {
  let running = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (running >= options.concurrency) {
      send(request, response, { status: 503, headers: { 'retry-after': '1' } });
      return;
    }
    running += 1;
    try {
      send(request, response, await options.answer(request));
    } catch (error) {
      options.failed(error);
      send(request, response, { status: 500 });
    } finally {
      running -= 1;
    }
  }

  const limits = {
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 5_000,
    maxHeaderSize: 16 * 1024,
  };
  const server = createServer(limits, (request, response) => void handle(request, response));
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body = '', headers = {} }: Answer,
): void {
  if (response.headersSent || response.destroyed) return;
  // A body that was not read would be parsed as the next request.
  if (!request.complete) response.shouldKeepAlive = false;
  const type = body === '' ? {} : { 'content-type': 'text/plain; charset=utf-8' };
  response.writeHead(status, {
    ...type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(body);
}

/**
 * Reads the body of a request. Undefined when it has more than `maxBytes`, of which no more are read. Rejects when the
 * sender goes away.
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | undefined> {
  if (isTooLarge(request, maxBytes)) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether a request says of its body that it has more than `maxBytes`. */
export function isTooLarge({ headers }: IncomingMessage, maxBytes: number): boolean {
  return Number(headers['content-length'] ?? 0) > maxBytes;
}
