// A relay for ssh, which has no proxy protocols: a local port whose one connection goes through a proxy.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SocksClient } from 'socks';
import { GitError } from './errors.ts';
import type { ProxyRoute } from './proxy.ts';

export interface RelayOptions {
  route: ProxyRoute;
  host: string;
  port: number;
  timeoutMs: number;
  signal: AbortSignal;
}

/**
 * Runs `use` with a port on 127.0.0.1 that leads to a host and port through a proxy, for one connection. The proxy
 * resolves the host's name. Everything is closed when `use` ends.
 * @throws GitError Unreachable when the proxy can't be reached or refuses; otherwise what `use` throws
 */
export async function withRelay<T>(
  options: RelayOptions,
  use: (port: number) => Promise<T>,
): Promise<T> {
  const open = new Set<Duplex>();
  let failure: unknown;
  const server = createServer((client) => {
    server.close();
    open.add(client);
    relay(client, options, open).catch((error: unknown) => {
      failure ??= error;
      client.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use((server.address() as AddressInfo).port);
  } catch (error) {
    if (failure === undefined) throw error;
    // The proxy may quote what was sent to it.
    const code = (failure as NodeJS.ErrnoException).code;
    const why =
      failure instanceof GitError ? failure.message : (code ?? 'it refused the connection');
    const { host, port } = options.route;
    throw new GitError('Unreachable', `proxy '${host}:${port}': ${why}`, { cause: failure });
  } finally {
    server.close();
    for (const stream of open) stream.destroy();
  }
}

async function relay(client: Socket, options: RelayOptions, open: Set<Duplex>): Promise<void> {
  const upstream = await connectThrough(options);
  open.add(upstream);
  // Either side may end first, and ssh reports that.
  await Promise.allSettled([pipeline(client, upstream), pipeline(upstream, client)]);
}

async function connectThrough(options: RelayOptions): Promise<Duplex> {
  const { route, host, port, timeoutMs } = options;
  const [address = ''] = route.addresses;
  if (route.scheme !== 'socks5') return connectOverHttp(options, address);
  const { socket } = await SocksClient.createConnection({
    proxy: {
      ...{ host: address, port: route.port, type: 5 },
      ...(route.username === undefined ? {} : { userId: route.username }),
      ...(route.password === undefined ? {} : { password: route.password }),
    },
    command: 'connect',
    destination: { host, port },
    timeout: timeoutMs,
  });
  return socket;
}

/** CONNECT (RFC 9110, 9.3.6). */
async function connectOverHttp(
  { route, host, port, signal }: RelayOptions,
  address: string,
): Promise<Duplex> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const pair = `${route.username}:${route.password ?? ''}`;
  const request = (route.scheme === 'https' ? httpsRequest : httpRequest)({
    ...{ host: address, port: route.port, method: 'CONNECT', path: target, agent: false, signal },
    servername: route.host,
    headers: {
      host: target,
      ...(route.username === undefined
        ? {}
        : { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }),
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  request.on('connect', ({ statusCode }, socket, head) => {
    if (statusCode === 200) {
      if (head.length > 0) socket.unshift(head);
      return resolve(socket);
    }
    socket.destroy();
    reject(new GitError('Unreachable', `it answers with status ${statusCode}`));
  });
  request.on('response', (response) => {
    response.destroy();
    reject(new GitError('Unreachable', `it answers with status ${response.statusCode}`));
  });
  request.on('error', reject);
  request.end();
  return promise;
}
