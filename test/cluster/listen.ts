import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority } from './certificates.ts';

export interface ListenOptions {
  /** Default: any free one. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** HTTPS with a certificate from an authority of its own, which `ca` gives. */
  tls?: boolean;
}

export interface Listening {
  /** Without a slash at its end. */
  url: string;
  port: number;
  /** PEM; only with `tls`. */
  ca?: string;
  /** Cuts what is open and resolves when the port is free. */
  close(): Promise<void>;
}

/** Serves HTTP (or HTTPS) on 127.0.0.1. */
export async function listen(
  handler: RequestListener,
  options: ListenOptions = {},
): Promise<Listening> {
  const host = options.host ?? '127.0.0.1';
  const { server, ca } = await createServer(handler, host, options.tls ?? false);
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${ca === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    ...(ca === undefined ? {} : { ca }),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function createServer(
  handler: RequestListener,
  host: string,
  tls: boolean,
): Promise<{ server: Server; ca?: string }> {
  if (!tls) return { server: createHttpServer(handler) };
  const authority = await createAuthority('weir-test-server-ca');
  const { certificate, key } = await authority.serving([host, 'localhost']);
  return {
    server: createHttpsServer({ cert: certificate, key }, handler),
    ca: authority.certificate,
  };
}
