import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A cable between client and server that a test can cut or let hang. */
export interface WireTap {
  port: number;
  /** From now on nothing gets through, in either direction, and no end closes. */
  freeze(): void;
  /** Ends the frost: the connections of now are closed, new ones work. */
  thaw(): void;
  /** Closes the connections of now. */
  cut(): void;
  connections(): number;
  close(): Promise<void>;
}

export async function tapTo(target: number): Promise<WireTap> {
  const pairs = new Set<[Socket, Socket]>();
  let connections = 0;
  let frozen = false;
  const waiting = new Set<Socket>();
  const server = createServer((near) => {
    connections += 1;
    if (frozen) return void waiting.add(near.pause().on('error', () => near.destroy()));
    const far = connect(target, '127.0.0.1');
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const socket of pair) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        for (const end of pair) end.destroy();
      });
    }
  });
  const cut = () => {
    for (const socket of [...pairs].flat()) socket.destroy();
    for (const socket of waiting) socket.destroy();
    waiting.clear();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    freeze() {
      frozen = true;
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
    },
    thaw() {
      frozen = false;
      cut();
    },
    cut,
    async close() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
