import type { Logger } from '@weir/telemetry';
import type { CredentialSource, Credentials } from './credentials.ts';
import { dial, type Endpoint } from './dial.ts';
import { ClientClosedError } from './errors.ts';
import { createHttp1 } from './http1.ts';
import { createPool } from './pool.ts';
import type { PulseOptions } from './pulse.ts';
import { openSession, type Session } from './session.ts';
import { unlessAborted, type Wire, type WireRequest } from './wire.ts';

/** Authenticated requests to one server over as few connections as do. */
export interface Transport extends Wire {
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

export interface TransportOptions {
  pulse?: PulseOptions;
  /** Connections made and lost, at debug and info. */
  log?: Logger;
}

/** Two connections use both ends' cores; more only cost memory at the API server. */
const REQUEST_SESSIONS = 2;
/** Below this many requests in flight a second connection would not pay for its handshake. */
const REQUEST_SPREAD = 16;

/** The server speaks HTTP/1.1 only, which ALPN (RFC 7301) told while connecting. */
class NoHttp2 extends Error {}

/**
 * HTTP/2 where the server offers it, HTTP/1.1 otherwise. Watches have connections of their own, so that no
 * burst of requests waits behind them or uses up their streams. A refused credential (401) is renewed once.
 */
export function createTransport(
  endpoint: Endpoint,
  credentials: CredentialSource,
  { pulse, log }: TransportOptions = {},
): Transport {
  let http1Only = endpoint.url.protocol === 'http:';
  let shown: Credentials | undefined;

  const lost = (error: Error) =>
    log?.info({ server: endpoint.url.origin, error: error.message }, 'lost the API server');
  const open = async (changed: () => void): Promise<Session> => {
    const socket = await dial(endpoint, await credentials.current(), ['h2', 'http/1.1']);
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      throw new NoHttp2();
    }
    const session = await openSession(socket, endpoint.url.origin, { changed, lost }, pulse);
    log?.debug({ server: endpoint.url.origin }, 'connected to the API server');
    return session;
  };
  const requests = createPool({ open, size: REQUEST_SESSIONS, spread: REQUEST_SPREAD });
  const streams = createPool({
    open,
    size: Number.POSITIVE_INFINITY,
    spread: Number.POSITIVE_INFINITY,
  });
  const http1 = createHttp1(endpoint, () => credentials.current());

  /** A connection keeps the certificate that it began with: a new one needs new connections. */
  const follow = (now: Credentials) => {
    if (now === shown) return;
    const before = shown;
    shown = now;
    if (before === undefined || (same(before.cert, now.cert) && same(before.key, now.key))) return;
    for (const it of [requests, streams, http1]) it.retire();
  };
  const prefix = endpoint.url.pathname.replace(/\/$/, '');

  /** Adds who we are, and asks again with new credentials when the server does not know us. */
  const authenticated = async <T extends { status: number }>(
    request: WireRequest,
    signal: AbortSignal,
    send: (request: WireRequest) => Promise<T>,
    discard?: (refused: T) => void,
  ): Promise<T> => {
    for (let attempt = 0; ; attempt += 1) {
      const current = credentials.current();
      const mine = current instanceof Promise ? await unlessAborted(current, signal) : current;
      follow(mine);
      const { authorization } = mine;
      const headers =
        authorization === undefined ? request.headers : { ...request.headers, authorization };
      const response = await send({ ...request, path: prefix + request.path, headers });
      if (response.status !== 401 || attempt > 0) return response;
      discard?.(response);
      credentials.renew(mine);
    }
  };
  /** The first answer of the server says which protocol it speaks, and that stays. */
  const negotiated = async <T>(overHttp2: () => Promise<T>, overHttp1: () => Promise<T>) => {
    if (http1Only) return overHttp1();
    try {
      return await overHttp2();
    } catch (error) {
      if (!(error instanceof NoHttp2)) throw error;
      http1Only = true;
      return overHttp1();
    }
  };

  return {
    endpoint,
    exchange: (request, signal) =>
      authenticated(request, signal, (it) =>
        negotiated(
          () => requests.use((session) => session.exchange(it, signal), signal),
          () => http1.exchange(it, signal),
        ),
      ),
    stream: (request, signal) =>
      authenticated(
        request,
        signal,
        (it) =>
          negotiated(
            () => streams.use((session) => session.stream(it, signal), signal),
            () => http1.stream(it, signal),
          ),
        (refused) => refused.cancel(),
      ),
    async close() {
      const closed = new ClientClosedError();
      requests.destroy(closed);
      streams.destroy(closed);
      http1.destroy();
    },
  };
}

function same(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.from(a).equals(Buffer.from(b));
}
