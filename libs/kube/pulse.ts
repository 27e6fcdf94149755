import type { ClientHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';

/** How a silent connection is told from a dead one; milliseconds. */
export interface PulseOptions {
  everyMs: number;
  deadAfterMs: number;
}

/**
 * A machine that vanished closes no connection, so TCP alone would notice after many minutes. A second of
 * silence brings a PING, three without one byte in return mean dead. A long list over a slow link still
 * counts as alive, as its bytes do arrive.
 */
export const PULSE: PulseOptions = { everyMs: 1_000, deadAfterMs: 3_000 };

/** Watches a connection and calls `dead` once when nothing comes back any more. Returns how to stop. */
export function keepPulse(
  session: ClientHttp2Session,
  socket: TLSSocket,
  dead: (error: Error) => void,
  { everyMs, deadAfterMs }: PulseOptions = PULSE,
): () => void {
  let bytes = socket.bytesRead;
  let heardAt = performance.now();
  let tickedAt = heardAt;

  const heard = () => {
    bytes = socket.bytesRead;
    heardAt = performance.now();
  };
  const judge = () => {
    if (socket.bytesRead !== bytes) return heard();
    if (performance.now() - heardAt < deadAfterMs || session.destroyed) return;
    stop();
    dead(new Error(`no sign of life for ${deadAfterMs} ms`));
  };
  const tick = () => {
    const now = performance.now();
    // Our own process was busy or stopped for a while: that says nothing about the server.
    if (now - tickedAt > 2 * everyMs) heardAt = now;
    tickedAt = now;
    if (socket.bytesRead !== bytes) return heard();
    if (!session.destroyed && !session.closed) session.ping(() => undefined);
    // Timers run before sockets are read: what has just arrived shall count.
    if (now - heardAt >= deadAfterMs) setImmediate(judge);
  };
  const timer = setInterval(tick, everyMs);
  timer.unref();
  const stop = () => clearInterval(timer);
  return stop;
}
