import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** A TCP proxy between client and server by which a test can interrupt their connections. */
export interface TcpProxy {
  port: number;
  /** Drops all bytes in both directions from now on, without closing a connection, as a broken network does. */
  freeze(): void;
  /** Ends freeze(): closes the frozen connections and lets new ones work. */
  thaw(): void;
  /** Closes all open connections. New ones work. */
  cut(): void;
  /** Closes all open connections when this many more bytes came from the server and went on. New ones work. */
  cutAfter(bytes: number): void;
  /** The number of connections since the start. */
  connections(): number;
  close(): Promise<void>;
}

/** Starts a proxy on a free port that forwards to the port `target` of this machine, each byte after `delayMs`. */
export async function proxyTo(target: number, { delayMs = 0 } = {}): Promise<TcpProxy> {
  const pairs = new Set<[Socket, Socket]>();
  let connections = 0;
  let frozen = false;
  let bytesLeft = Number.POSITIVE_INFINITY;
  const waiting = new Set<Socket>();
  const server = createServer((near) => {
    connections += 1;
    if (frozen) return void waiting.add(near.pause().on('error', () => near.destroy()));
    const far = connect(target, '127.0.0.1');
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    near.pipe(delayed(delayMs)).pipe(far);
    far.pipe(delayed(delayMs)).pipe(near);
    far.on('data', ({ length }: Buffer) => count(length));
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
  function count(bytes: number): void {
    bytesLeft -= bytes;
    if (bytesLeft > 0) return;
    bytesLeft = Number.POSITIVE_INFINITY;
    for (const [near, far] of pairs) {
      far.unpipe().pause();
      // What came so far reaches the client.
      near.destroySoon();
    }
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    freeze() {
      frozen = true;
      for (const [near, far] of pairs) {
        near.unpipe();
        far.unpipe();
        near.pause();
        far.pause();
      }
    },
    thaw() {
      frozen = false;
      cut();
    },
    cut,
    cutAfter(bytes) {
      bytesLeft = bytes;
    },
    async close() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}

/** Passes bytes on in their order, each after this time. */
function delayed(ms: number): Transform {
  return new Transform({
    transform(chunk, _encoding, done) {
      if (ms === 0) return done(null, chunk);
      setTimeout(() => {
        if (!this.destroyed) this.push(chunk);
      }, ms);
      done();
    },
    flush: (done) => void setTimeout(done, ms),
  });
}
