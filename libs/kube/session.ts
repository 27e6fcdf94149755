import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  connect as http2Connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { describe } from './dial.ts';
import { AnswerTooLargeError, ConnectionError } from './errors.ts';
import type { HttpExchange, HttpHead, HttpRequest, HttpResponse, HttpStream } from './http.ts';
import { type KeepaliveOptions, startKeepalive } from './keepalive.ts';

/**
 * Flow control windows (RFC 9113 5.2). A list of 500 objects is megabytes large; with the default window of 64 KiB the
 * server would wait a round trip for each 64 KiB of it.
 */
const STREAM_WINDOW_BYTES = 4 << 20;
const SESSION_WINDOW_BYTES = 16 << 20;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** One HTTP/2 connection (RFC 9113). */
export interface Session extends HttpExchange {
  /** The number of open streams. */
  streams(): number;
  /** The number of streams that the server allows at once. */
  limit(): number;
  /** False after the server sent GOAWAY, the connection broke, or retire() was called. */
  usable(): boolean;
  closed(): boolean;
  /** Lets no new streams start, and closes the connection when the last one ends. */
  retire(): void;
  destroy(error: Error): void;
}

export interface SessionEvents {
  /** A stream ended and another one may start, or the session ended and another one has to be opened. */
  changed(): void;
  /** The connection ended without a call of retire() or destroy(). */
  lost(error: Error): void;
}

/**
 * Opens an HTTP/2 session over a connected socket. Resolves when the server's SETTINGS have arrived, because these
 * state how many streams it allows. Rejects with ConnectionError.
 */
export function openSession(
  socket: TLSSocket,
  origin: string,
  events: SessionEvents,
  keepalive?: KeepaliveOptions,
): Promise<Session> {
  const http2 = http2Connect(origin, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
  });
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown) => {
      clearTimeout(timer);
      http2.destroy();
      const why = cause === undefined ? 'closed before its SETTINGS' : describe(cause);
      reject(new ConnectionError(`no HTTP/2 with ${origin}: ${why}`, { sent: false, cause }));
    };
    const timer = setTimeout(
      () => fail(new Error('no SETTINGS in 10 seconds')),
      HANDSHAKE_TIMEOUT_MS,
    );
    http2.on('error', fail).on('close', fail);
    http2.once('remoteSettings', () => {
      clearTimeout(timer);
      http2.off('error', fail).off('close', fail);
      http2.setLocalWindowSize(SESSION_WINDOW_BYTES);
      resolve(sessionOver(http2, socket, origin, events, keepalive));
    });
  });
}

function sessionOver(
  http2: ClientHttp2Session,
  socket: TLSSocket,
  origin: string,
  events: SessionEvents,
  keepalive?: KeepaliveOptions,
): Session {
  let open = 0;
  let retired = false;
  let failure: Error | undefined;
  /** The server did not process streams with an id above this one (RFC 9113 6.8). */
  let lastProcessed = Number.POSITIVE_INFINITY;

  /** The session is ended by this process, so its end is not reported as lost. */
  let intended = false;

  const fail = (error: Error) => {
    failure ??= error;
    if (!http2.destroyed) http2.destroy(undefined, constants.NGHTTP2_CANCEL);
  };
  const stopKeepalive = startKeepalive(http2, socket, fail, keepalive);
  http2.on('error', (error) => {
    failure ??= error;
  });
  http2.on('goaway', (_code: number, lastStreamId: number) => {
    lastProcessed = lastStreamId;
    retired = true;
    events.changed();
  });
  http2.once('close', () => {
    stopKeepalive();
    if (!intended) events.lost(failure ?? new Error('closed by the server'));
    retired = true;
    events.changed();
  });

  const broken = (stream: ClientHttp2Stream | undefined, cause: unknown): ConnectionError => {
    const refused =
      stream === undefined ||
      stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ||
      (stream.id ?? Number.POSITIVE_INFINITY) > lastProcessed;
    const why = describe(cause ?? failure ?? new Error('connection closed'));
    return new ConnectionError(`lost the connection to ${origin}: ${why}`, {
      sent: !refused,
      cause: cause ?? failure,
    });
  };

  /** Starts a stream and counts it until it ends. */
  const start = (request: HttpRequest): ClientHttp2Stream => {
    const headers: OutgoingHttpHeaders = {
      ':method': request.method,
      ':path': request.path,
      ...request.headers,
    };
    let stream: ClientHttp2Stream;
    try {
      stream = http2.request(headers, { endStream: request.body === undefined });
    } catch (cause) {
      throw broken(undefined, cause);
    }
    open += 1;
    stream.once('close', () => {
      open -= 1;
      if (retired && open === 0) http2.close();
      events.changed();
    });
    if (request.body !== undefined) stream.end(request.body);
    return stream;
  };

  return {
    streams: () => open,
    limit: () => http2.remoteSettings.maxConcurrentStreams ?? 100,
    usable: () => !retired && !http2.closed && !http2.destroyed,
    closed: () => http2.destroyed,
    retire() {
      intended = true;
      retired = true;
      if (open === 0) http2.close();
    },
    destroy(error) {
      intended = true;
      fail(error);
    },
    exchange: async (request, signal) =>
      exchange(start(request), broken, signal, request.maxAnswerBytes),
    stream: async (request, signal) => openStream(start(request), broken, signal),
  };
}

type Broken = (stream: ClientHttp2Stream, cause: unknown) => ConnectionError;

/** Waits for the whole response. */
function exchange(
  stream: ClientHttp2Stream,
  broken: Broken,
  signal: AbortSignal,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let head: HttpHead | undefined;
    let whole = false;
    let failure: unknown;
    const abort = () => {
      reject(signal.reason);
      stream.close(constants.NGHTTP2_CANCEL);
    };
    signal.addEventListener('abort', abort);
    stream.on('response', (headers) => {
      head = headOf(headers);
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) return void chunks.push(chunk);
      reject(new AnswerTooLargeError(maxBytes));
      chunks.length = 0;
      stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', (error) => {
      failure = error;
    });
    stream.on('end', () => {
      if (head === undefined || !endedWell(stream)) return;
      whole = true;
      const [first] = chunks;
      const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
      resolve({ ...head, body });
    });
    stream.on('close', () => {
      signal.removeEventListener('abort', abort);
      if (!whole) reject(broken(stream, failure));
    });
  });
}

/** Waits for the headers. The caller iterates over the body. */
function openStream(
  stream: ClientHttp2Stream,
  broken: Broken,
  signal: AbortSignal,
): Promise<HttpStream> {
  return new Promise((resolve, reject) => {
    let begun = false;
    let failure: unknown;
    const abort = () => {
      reject(signal.reason);
      stream.close(constants.NGHTTP2_CANCEL);
    };
    signal.addEventListener('abort', abort);
    stream.on('error', (error) => {
      failure = error;
    });
    stream.on('response', (headers) => {
      begun = true;
      resolve({
        ...headOf(headers),
        chunks: chunksOf(stream, () => broken(stream, failure)),
        cancel: () => stream.close(constants.NGHTTP2_CANCEL),
      });
    });
    stream.on('close', () => {
      signal.removeEventListener('abort', abort);
      if (!begun) reject(broken(stream, failure));
    });
  });
}

/**
 * Whether the server ended the stream in the regular way; to be called in an `end` listener. Node also emits `end` for
 * a stream whose connection broke, but destroys such a stream before that.
 */
function endedWell(stream: ClientHttp2Stream): boolean {
  return !stream.destroyed && stream.rstCode === constants.NGHTTP2_NO_ERROR;
}

async function* chunksOf(
  stream: ClientHttp2Stream,
  broken: () => ConnectionError,
): AsyncGenerator<Buffer> {
  let whole = false;
  stream.once('end', () => {
    whole = endedWell(stream);
  });
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk;
  } catch {
    throw broken();
  } finally {
    stream.close(constants.NGHTTP2_CANCEL);
  }
  if (!whole) throw broken();
}

function headOf(headers: IncomingHttpHeaders): HttpHead {
  return { status: Number(headers[':status'] ?? 0), headers };
}
