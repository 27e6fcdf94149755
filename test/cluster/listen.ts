import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAuthority, type KeyPair } from './certificates.ts';

export interface ListenOptions {
  /** Any free port unless given. */
  port?: number;
  /** 127.0.0.1 unless given. */
  host?: string;
  /** Whether to serve HTTPS, with a certificate of an authority of its own (see `ca`). */
  tls?: boolean;
  /** With `tls`: refuses clients that show no certificate of the same authority (see `client`). */
  mutual?: boolean;
  /** Takes requests of the method CONNECT, with the connection that they came over. */
  onConnect?: (request: IncomingMessage, socket: Duplex) => void;
}

export interface Listening {
  /** The URL without a slash at its end. */
  url: string;
  port: number;
  /** The certificate authority (PEM); only with `tls`. */
  ca?: string;
  /** A certificate that clients may show; only with `mutual`. */
  client?: KeyPair;
  /** Closes all connections and resolves when the port is free. */
  close(): Promise<void>;
}

/** Serves HTTP or HTTPS, on 127.0.0.1 unless another host is given. */
export async function listen(
  handler: RequestListener,
  options: ListenOptions = {},
): Promise<Listening> {
  const host = options.host ?? '127.0.0.1';
  const { server, ...tls } = await createServer(handler, host, options);
  const { ca } = tls;
  // Connections that carry another protocol are no longer the server's to close.
  const tunnels = new Set<Duplex>();
  if (options.onConnect !== undefined) {
    const { onConnect } = options;
    server.on('connect', (request, socket) => {
      tunnels.add(socket);
      socket.once('close', () => tunnels.delete(socket));
      onConnect(request, socket);
    });
  }
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${ca === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    ...tls,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      for (const tunnel of tunnels) tunnel.destroy();
      await closed;
    },
  };
}

async function createServer(
  handler: RequestListener,
  host: string,
  { tls = false, mutual = false }: ListenOptions,
): Promise<{ server: Server; ca?: string; client?: KeyPair }> {
  if (!tls) return { server: createHttpServer(handler) };
  const authority = await createAuthority('weir-test-server-ca');
  const { certificate, key } = await authority.serving([host, 'localhost']);
  const ca = authority.certificate;
  const serving = { cert: certificate, key };
  if (!mutual) return { server: createHttpsServer(serving, handler), ca };
  const server = createHttpsServer({ ...serving, ca, requestCert: true }, handler);
  return { server, ca, client: await authority.client('test-client') };
}
