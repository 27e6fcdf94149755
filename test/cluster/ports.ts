import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// The range ends below the ports that Linux (from 32768) and IANA (from 49152) use for outgoing connections. A component
// that is stopped needs the same port again, so no connection may get that port meanwhile.
const FIRST = 20_000;
const END = 32_768;

/**
 * A free TCP port of 127.0.0.1 from 20000 to 32767. It is chosen at random, so that processes that ask at the same time
 * rarely get the same one.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(FIRST, END);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found between ${FIRST} and ${END - 1} on 127.0.0.1`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE' || code === 'EACCES') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
