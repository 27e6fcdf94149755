// Hosts of vendors on this machine: an HTTP proxy that leads to one server, which has certificates for all of their names.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { createAuthority, listen } from '@weir/cluster';

export interface VendorHost {
  /** URL of the server behind it, for a path. */
  target(path: string): string;
  /** Accepts a name and password, or a bearer token; everybody is accepted unless it is given. */
  lets?(login: { username: string; password: string }, path: string): boolean;
  /** The header that the server behind gets instead. */
  authorization?: string;
}

export interface VendorHosts {
  /** The URL of the proxy, in the form that a tenant's `proxySecretRef` has. */
  proxy: string;
  /** Whom clients have to trust, PEM. */
  ca: string;
  /** `GET host/path`, with what was shown. */
  requests(): { target: string; authorization: string | undefined }[];
  /** `host:port` of each connection that the proxy was asked for. */
  tunnels(): string[];
  /** The requests that reached the proxy unencrypted, with their headers: none may contain a secret. */
  clear(): { url: string; headers: IncomingMessage['headers'] }[];
  close(): Promise<void>;
}

export async function startVendorHosts(hosts: Record<string, VendorHost>): Promise<VendorHosts> {
  const authority = await createAuthority('weir-test-vendors');
  const { certificate, key } = await authority.serving(Object.keys(hosts));
  const requests: ReturnType<VendorHosts['requests']> = [];
  const tunnels: string[] = [];
  const clear: ReturnType<VendorHosts['clear']> = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const name = request.headers.host ?? '';
    const { authorization } = request.headers;
    requests.push({ target: `${request.method} ${name}${request.url}`, authorization });
    const host = hosts[name];
    if (host === undefined) return void response.writeHead(421).end();
    if (host.lets?.(loginOf(authorization), request.url ?? '') === false) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end('{}');
    } else passOn(host, request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await listen(
    ({ url = '', headers }, response) => {
      clear.push({ url, headers });
      response.writeHead(502).end();
    },
    {
      onConnect({ url = '' }, socket) {
        tunnels.push(url);
        const target = connect(port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          target.pipe(socket).pipe(target);
        });
        target.on('error', () => socket.destroy());
        socket.on('error', () => target.destroy());
      },
    },
  );
  return {
    proxy: proxy.url,
    ca: authority.certificate,
    requests: () => [...requests],
    tunnels: () => [...tunnels],
    clear: () => [...clear],
    async close() {
      await proxy.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function loginOf(header = ''): { username: string; password: string } {
  const [scheme = '', value = ''] = header.split(' ');
  if (/^bearer$/i.test(scheme)) return { username: '', password: value };
  const [username = '', ...rest] = Buffer.from(value, 'base64').toString('utf8').split(':');
  return { username, password: rest.join(':') };
}

function passOn(host: VendorHost, request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '/', headers } = request;
  const { authorization: _, host: __, ...others } = headers;
  const own = host.authorization === undefined ? {} : { authorization: host.authorization };
  const options = { method, headers: { ...others, ...own }, agent: false };
  const sent = httpRequest(new URL(host.target(url)), options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  sent.on('error', () => response.destroy());
  request.pipe(sent);
}
