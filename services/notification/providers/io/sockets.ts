// Connections for what isn't HTTP/1: NATS, AMQP, gRPC.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { allowedLookup, checkHost, createContext, proxyFor } from '@weir/net';
import { DeliveryError } from '../../delivery/errors.ts';
import type { Target } from '../target.ts';
import type { Network } from './connections.ts';
import { unreachable } from './http.ts';

export interface Endpoint {
  host: string;
  port: number;
  /** Speaks TLS from the beginning, and these protocols (ALPN) where given. */
  tls?: { protocols?: string[] };
  /** Goes through the proxy that the Provider or the operator names for https. */
  proxied?: boolean;
}

/**
 * Opens a connection to an address that may be reached. Rejects with a DeliveryError. It is destroyed when the signal of
 * the attempt aborts; until then it is the caller's to destroy.
 */
export type Open = (endpoint: Endpoint) => Promise<Socket>;

/** Opens connections for one target. */
export type OpenFor = (target: Target, signal: AbortSignal) => Open;

/** Of a proxy's answer to CONNECT so much is read. */
const MAX_HEAD_BYTES = 16 * 1024;

export function createOpen(network: Network): OpenFor {
  return (target, signal) => async (endpoint) => {
    const { host, port, tls, proxied = false } = endpoint;
    const proxy = proxied ? proxyOf(target, endpoint, network.environment) : undefined;
    const through = proxy === undefined ? { host, port } : addressOf(proxy);
    let socket: Socket | undefined;
    try {
      socket = await tcp(through, target.namespace, network, signal);
      if (proxy !== undefined) await tunnel(socket, proxy, endpoint);
      return tls === undefined ? socket : await secure(socket, host, target, tls.protocols, signal);
    } catch (error) {
      socket?.destroy();
      throw error instanceof DeliveryError ? error : unreachable(`${host}:${port}`, error, signal);
    }
  };
}

/** Speaks TLS on a connection that is there already, as NATS wants it. */
export async function secure(
  socket: Socket,
  host: string,
  target: Target,
  protocols: string[] | undefined,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const { ca, cert: certificate, key } = target.tls ?? {};
  const secured = tlsConnect({
    socket,
    servername: host,
    secureContext: createContext({ ca, certificate, key }),
    ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
  });
  await once(secured, 'secureConnect', { signal });
  return secured;
}

async function tcp(
  { host, port }: { host: string; port: number },
  namespace: string,
  network: Network,
  signal: AbortSignal,
): Promise<Socket> {
  const { allowLocal, resolverFor } = network;
  checkHost(host, { allowLocal });
  const lookup = allowedLookup({ allowLocal }, resolverFor(namespace));
  const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port, lookup });
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', abort));
  await once(socket, 'connect', { signal });
  // What fails later is seen by whoever reads or writes.
  socket.on('error', () => undefined);
  return socket;
}

function proxyOf(
  target: Target,
  { host, port }: Endpoint,
  environment: NodeJS.ProcessEnv | undefined,
): URL | undefined {
  const proxy = target.proxy ?? proxyFor(new URL(`https://${host}:${port}`), environment ?? {});
  return proxy === undefined ? undefined : new URL(proxy);
}

function addressOf({ hostname, port, protocol }: URL): { host: string; port: number } {
  if (protocol !== 'http:') {
    throw new DeliveryError('InvalidProvider', 'the proxy must have an http URL for this type');
  }
  return { host: hostname, port: Number(port || 80) };
}

/** RFC 9110, 9.3.6. */
async function tunnel(socket: Socket, proxy: URL, { host, port }: Endpoint): Promise<void> {
  const { username, password } = proxy;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const login = username
    ? `Proxy-Authorization: Basic ${Buffer.from(pair).toString('base64')}\r\n`
    : '';
  const authority = `${host}:${port}`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  let head = Buffer.alloc(0);
  while (!head.includes('\r\n\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    head = Buffer.concat([head, chunk]);
    if (head.length > MAX_HEAD_BYTES) break;
  }
  socket.pause();
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head.toString('latin1'))?.[1];
  if (status === '200') return;
  throw new DeliveryError(
    'Unreachable',
    `the proxy refused with status code ${status ?? 'unknown'}`,
    {
      permanent: false,
    },
  );
}
