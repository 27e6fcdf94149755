import { orAborted } from '@weir/async';
import type { Logger } from '@weir/telemetry';
import type { CredentialSource, Credentials } from './credentials.ts';
import { dial, type Endpoint } from './dial.ts';
import { ClientClosedError } from './errors.ts';
import type { HttpExchange, HttpRequest } from './http.ts';
import { createHttp1 } from './http1.ts';
import type { KeepaliveOptions } from './keepalive.ts';
import { createPool } from './pool.ts';
import { openSession, type Session } from './session.ts';

/** Sends authenticated requests to one server, over as few connections as possible. */
export interface Transport extends HttpExchange {
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

export interface TransportOptions {
  keepalive?: KeepaliveOptions;
  /** Made connections are logged at debug level, lost ones at info level. */
  log?: Logger;
}

/** Two connections let the server use two cores for this client; more of them only cost memory there. */
const REQUEST_SESSIONS = 2;
/** With fewer requests in flight than this, a second connection is not worth its TLS handshake. */
const REQUEST_SPREAD = 16;

/** The negotiation of the protocol (ALPN, RFC 7301) showed that the server offers HTTP/1.1 only. */
class NoHttp2 extends Error {}

/**
 * Uses HTTP/2 where the server offers it, and HTTP/1.1 otherwise. Watches have their own connections, so that requests
 * don't wait behind them and can't use up their streams. After a 401 the credentials are renewed and the request is
 * sent once more.
 */
export function createTransport(
  endpoint: Endpoint,
  credentials: CredentialSource,
  { keepalive, log }: TransportOptions = {},
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
    const session = await openSession(socket, endpoint.url.origin, { changed, lost }, keepalive);
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

  /** A connection authenticates once, with its client certificate. When that changed, new connections are needed. */
  const follow = (now: Credentials) => {
    if (now === shown) return;
    const before = shown;
    shown = now;
    if (before === undefined || (same(before.cert, now.cert) && same(before.key, now.key))) return;
    for (const it of [requests, streams, http1]) it.retire();
  };
  const prefix = endpoint.url.pathname.replace(/\/$/, '');

  /** Sends the request with the credentials, and once more with new ones when the server answers 401. */
  const authenticated = async <T extends { status: number }>(
    request: HttpRequest,
    signal: AbortSignal,
    send: (request: HttpRequest) => Promise<T>,
    discard?: (refused: T) => void,
  ): Promise<T> => {
    for (let attempt = 0; ; attempt += 1) {
      const current = credentials.current();
      const mine = current instanceof Promise ? await orAborted(current, signal) : current;
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
  /** Uses HTTP/2 until a connection shows that the server offers only HTTP/1.1, and HTTP/1.1 from then on. */
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
