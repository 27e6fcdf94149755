import type { IncomingHttpHeaders } from 'node:http';

/** One HTTP request, complete with path, query and headers. It is sent once and never repeated at this level. */
export interface HttpRequest {
  method: string;
  /** The path with its query. */
  path: string;
  headers: Record<string, string | string[]>;
  body?: Buffer;
  /** The largest answer that is taken, in bytes; of any size where it is left out. A larger one is AnswerTooLargeError. */
  maxAnswerBytes?: number | undefined;
}

export interface HttpHead {
  status: number;
  headers: IncomingHttpHeaders;
}

export interface HttpResponse extends HttpHead {
  body: Buffer;
}

/** A response whose body is still arriving. */
export interface HttpStream extends HttpHead {
  /** Leaving the iteration early cancels the response. The iteration throws when the connection breaks. */
  chunks: AsyncIterable<Buffer>;
  /** Cancels the response for a caller that does not iterate over it. */
  cancel(): void;
}

/** Sends requests over HTTP/1.1 or HTTP/2. Both calls reject with ConnectionError or the signal's reason. */
export interface HttpExchange {
  /** Resolves with the whole response. */
  exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  /** Resolves when the headers of the response have arrived. */
  stream(request: HttpRequest, signal: AbortSignal): Promise<HttpStream>;
}
