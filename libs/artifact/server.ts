import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { BusUnavailable } from '@weir/bus';
import type { Logger } from '@weir/telemetry';
import { ArtifactMissing } from './errors.ts';
import { pathDigest } from './path.ts';
import type { ArtifactStore } from './store.ts';

export interface ServeOptions {
  /** 0 for any free one. */
  port: number;
  /** Address to listen on; all when left out. */
  host?: string;
  /** Called to make a lost artifact again; the path has no leading slash. */
  onMissing?(path: string): Promise<void>;
  /**
   * The path of the artifact that `<kind>/<namespace>/<name>/latest.tar.gz` refers to now, both without a leading
   * slash.
   */
  latest?(path: string): string | undefined;
  log?: Logger;
}

export interface ArtifactServer {
  url: string;
  port: number;
  close(): Promise<void>;
}

const SOCKET_TIMEOUT_MS = 60_000;

/**
 * Serves any artifact of the store at `/<kind>/<namespace>/<name>/<hex>.tar.gz`: the digest in the path identifies it,
 * so every replica can serve it. `.tgz` is a chart, and `.yaml` an index of charts. `latest.tar.gz` refers to the
 * artifact that the object has now (see `ServeOptions.latest`). `/healthz` answers `ok`. Rejects when the port is
 * taken.
 */
export async function serveArtifacts(
  store: ArtifactStore,
  options: ServeOptions,
): Promise<ArtifactServer> {
  const missing = new Map<string, Promise<void>>();

  /** Has a lost artifact made again, once for all requests that come meanwhile. */
  async function restore(path: string): Promise<void> {
    const restoring =
      missing.get(path) ??
      Promise.resolve(options.onMissing?.(path)).finally(() => missing.delete(path));
    missing.set(path, restoring);
    await restoring;
  }

  async function find(digest: string, path: string): Promise<string> {
    try {
      return await store.file(digest);
    } catch (error) {
      if (!(error instanceof ArtifactMissing) || options.onMissing === undefined) throw error;
      await restore(path);
      return store.file(digest);
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return reply(response, 405, 'method not allowed');
    }
    const asked = (request.url ?? '').split('?')[0] ?? '';
    if (asked === '/healthz') return reply(response, 200, 'ok');
    const path = options.latest?.(asked.slice(1)) ?? asked.slice(1);
    const digest = pathDigest(path);
    if (digest === undefined) return reply(response, 404, 'not found');
    const etag = `"${digest}"`;
    response.setHeader('etag', etag);
    if (isFresh(request.headers['if-none-match'], etag)) return void response.writeHead(304).end();
    const isLasting = path === asked.slice(1);
    await send(request, response, await find(digest, path), { isLasting, path });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error) => fail(request, response, error, options.log));
  });
  server.timeout = SOCKET_TIMEOUT_MS;
  const port = await listen(server, options);
  const host = options.host ?? '127.0.0.1';
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), 5_000);
      await closed;
      clearTimeout(late);
    },
  };
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
  { isLasting, path }: { isLasting: boolean; path: string },
): Promise<void> {
  const { size } = await stat(file);
  response.writeHead(200, {
    'content-type': path.endsWith('.yaml') ? 'application/yaml' : 'application/gzip',
    'content-length': size,
    'cache-control': isLasting ? 'public, max-age=31536000, immutable' : 'no-cache',
    'x-content-type-options': 'nosniff',
  });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file), response);
}

function fail(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  log: Logger | undefined,
): void {
  // The client went away, or reading the file failed: by the length the client notices that something is missing.
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.removeHeader('etag');
  if (error instanceof ArtifactMissing) {
    reply(response, 404, 'not found');
    return;
  }
  log?.warn({ err: error, path: request.url }, 'An artifact could not be served');
  response.setHeader('retry-after', '5');
  const away = error instanceof BusUnavailable;
  reply(response, 503, away ? 'the artifact store is away' : 'the artifact is not available');
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

/** If-None-Match (RFC 9110, 13.1.2): a list of tags, compared weakly, or `*`. */
function isFresh(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}

async function listen(server: Server, { port, host }: ServeOptions): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
