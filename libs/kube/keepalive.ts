import type { ClientHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';

/** How a connection that is merely idle is distinguished from one that is dead. */
export interface KeepaliveOptions {
  /** How often the connection is checked, in ms. An idle connection gets a PING at each check. */
  everyMs: number;
  /** A connection from which no byte came for this long is dead, in ms. */
  deadAfterMs: number;
}

/**
 * A machine that loses power or network closes no connection, and TCP alone would notice that only after many minutes.
 * So an idle connection gets a PING each second and is given up after three seconds without one byte in return. A long
 * list over a slow link is not affected, because its bytes keep arriving.
 */
export const KEEPALIVE: KeepaliveOptions = { everyMs: 1_000, deadAfterMs: 3_000 };

/** Checks a connection and calls `dead` once when the server no longer answers. Returns a function that stops it. */
export function startKeepalive(
  session: ClientHttp2Session,
  socket: TLSSocket,
  dead: (error: Error) => void,
  { everyMs, deadAfterMs }: KeepaliveOptions = KEEPALIVE,
): () => void {
  let bytes = socket.bytesRead;
  let receivedAt = performance.now();
  let checkedAt = receivedAt;

  const received = () => {
    bytes = socket.bytesRead;
    receivedAt = performance.now();
  };
  const giveUpIfSilent = () => {
    if (socket.bytesRead !== bytes) return received();
    if (performance.now() - receivedAt < deadAfterMs || session.destroyed) return;
    stop();
    dead(new Error(`no sign of life for ${deadAfterMs} ms`));
  };
  const check = () => {
    const now = performance.now();
    // When this check is late, this process was busy or stopped and could not read: the silence proves nothing.
    if (now - checkedAt > 2 * everyMs) receivedAt = now;
    checkedAt = now;
    if (socket.bytesRead !== bytes) return received();
    if (!session.destroyed && !session.closed) session.ping(() => undefined);
    // Timers run before sockets are read, so bytes that have just arrived are only counted after setImmediate.
    if (now - receivedAt >= deadAfterMs) setImmediate(giveUpIfSilent);
  };
  const timer = setInterval(check, everyMs);
  timer.unref();
  const stop = () => clearInterval(timer);
  return stop;
}
