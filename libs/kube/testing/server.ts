import { once } from 'node:events';
import {
  createSecureServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createAuthority } from '@weir/cluster';
import type { Endpoint } from '../dial.ts';

export const authority = await createAuthority('kube tests');
const serving = await authority.serving(['localhost', '127.0.0.1', 'api.internal']);
/** The certificate of a TLS server of these tests, and the authority of client certificates that it accepts. */
export const tlsOptions = {
  key: serving.key,
  cert: serving.certificate,
  ca: authority.certificate,
};

export type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export interface ProtocolServer {
  port: number;
  endpoint: Endpoint;
  /** The connections that are open now. */
  sessions: Set<ServerHttp2Session>;
  /** The number of connections since the start, closed ones included. */
  connections(): number;
  close(): Promise<void>;
}

/** The endpoint of a test server on a port of this machine. */
export function endpointAt(port: number, more: Partial<Endpoint> = {}): Endpoint {
  return {
    url: new URL(`https://127.0.0.1:${port}`),
    ca: () => Buffer.from(authority.certificate),
    insecure: false,
    ...more,
  };
}

/** An HTTP/2 server that answers as the test says. It can misbehave as no healthy API server would on demand. */
export async function serve(
  handler: Handler,
  options: SecureServerOptions = {},
): Promise<ProtocolServer> {
  const server = createSecureServer({ ...tlsOptions, ...options });
  const sessions = new Set<ServerHttp2Session>();
  let connections = 0;
  server.on('session', (session) => {
    connections += 1;
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  server.on('stream', (stream, headers) => {
    // Clients of these tests disconnect in the middle of a stream on purpose.
    stream.on('error', () => stream.destroy());
    handler(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    endpoint: endpointAt(port),
    sessions,
    connections: () => connections,
    async close() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answer(
  stream: ServerHttp2Stream,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': status, 'content-type': 'application/json', ...headers });
  stream.end(JSON.stringify(body));
}

/** Answers a request with an error Status, as an API server does. */
export function refuse(
  stream: ServerHttp2Stream,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  answer(stream, { kind: 'Status', code, reason, message: reason }, code, headers);
}
