import type { IncomingHttpHeaders } from 'node:http';

/** A request as it goes over a connection: everything decided, nothing to retry. */
export interface WireRequest {
  method: string;
  /** With query. */
  path: string;
  headers: Record<string, string | string[]>;
  body?: Buffer;
}

export interface WireHead {
  status: number;
  headers: IncomingHttpHeaders;
}

export interface WireResponse extends WireHead {
  body: Buffer;
}

/** A response that is still arriving. Leaving the iteration early cancels it; a cut connection makes it throw. */
export interface WireStream extends WireHead {
  chunks: AsyncIterable<Buffer>;
  /** For those who do not iterate. */
  cancel(): void;
}

/** How requests get to a server and back, whatever the protocol. Rejects with ConnectionError or the signal's reason. */
export interface Wire {
  exchange(request: WireRequest, signal: AbortSignal): Promise<WireResponse>;
  stream(request: WireRequest, signal: AbortSignal): Promise<WireStream>;
}

/** The promise, or a rejection with the signal's reason if that comes first. The promise's work goes on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const done = () => signal.removeEventListener('abort', abort);
    promise.then(
      (value) => {
        done();
        resolve(value);
      },
      (error) => {
        done();
        reject(error);
      },
    );
  });
}
