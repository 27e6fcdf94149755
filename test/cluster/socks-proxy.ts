import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SocksProxy {
  /** `socks5://127.0.0.1:<port>`. */
  url: string;
  /** `host:port` of each connection that was asked for; a name where the client left its look-up to the proxy. */
  targets(): string[];
  close(): Promise<void>;
}

/**
 * Starts a SOCKS5 proxy on 127.0.0.1 (RFC 1928, 1929): CONNECT only.
 * @param hosts where names lead, in place of a look-up
 */
export async function startSocksProxy(
  options: { username?: string; password?: string; hosts?: Record<string, string> } = {},
): Promise<SocksProxy> {
  const targets: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serve(socket, options, targets).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `socks5://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: () => [...targets],
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve(
  socket: Socket,
  { username, password, hosts = {} }: Parameters<typeof startSocksProxy>[0] & object,
  targets: string[],
): Promise<void> {
  const [, methods = 0] = await read(socket, 2);
  const offered = [...(await read(socket, methods))];
  const method = username === undefined ? 0 : 2;
  if (!offered.includes(method)) return void socket.end(Buffer.from([5, 0xff]));
  socket.write(Buffer.from([5, method]));
  if (method === 2) {
    await read(socket, 1);
    const user = (await readText(socket)) === username;
    const isKnown = (await readText(socket)) === password && user;
    socket.write(Buffer.from([1, isKnown ? 0 : 1]));
    if (!isKnown) return void socket.end();
  }
  const [, , , type] = await read(socket, 4);
  const host = type === 3 ? await readText(socket) : [...(await read(socket, 4))].join('.');
  const port = (await read(socket, 2)).readUInt16BE();
  targets.push(`${host}:${port}`);
  const target = connect(port, hosts[host] ?? host);
  target.on('error', () => socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
  socket.on('error', () => target.destroy());
  socket.on('close', () => target.destroy());
  await once(target, 'connect');
  socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
  socket.pipe(target).pipe(socket);
}

async function readText(socket: Socket): Promise<string> {
  const [length = 0] = await read(socket, 1);
  return (await read(socket, length)).toString();
}

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  if (bytes === 0) return Buffer.alloc(0);
  for (;;) {
    const chunk = socket.read(bytes) as Buffer | null;
    if (chunk !== null) return chunk;
    if (socket.readableEnded || socket.destroyed) throw new Error('the client went away');
    await once(socket, 'readable');
  }
}
