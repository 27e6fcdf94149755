// Sends the SDK's requests: to allowed addresses, over our connections, with bounded answers.
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Connections, tlsProblem } from '@weir/net';
import { ObjectStoreError } from '../errors.ts';

/** The SDK's request, which is signed already. */
interface SdkRequest {
  protocol: string;
  hostname: string;
  port?: number;
  method: string;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
}

interface SdkResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: Readable;
}

/** A page of a list with a thousand keys of 1024 bytes, each written with three characters, takes less than half of this. */
const MAX_ANSWER_BYTES = 8 * 1024 ** 2;

/** The `requestHandler` of an SDK client. Answers other than contents of objects have a size limit. */
export function createTransport(connections: Connections) {
  return {
    async handle(
      request: SdkRequest,
      { abortSignal }: { abortSignal?: unknown } = {},
    ): Promise<{ response: SdkResponse }> {
      const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
      const message = await send(connections, request, signal);
      const { statusCode = 0, headers } = message;
      const body = isContent(request, statusCode) ? message : bounded(message);
      return { response: { statusCode, headers: flat(headers), body } };
    },
    destroy: () => connections.close(),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

async function send(
  connections: Connections,
  request: SdkRequest,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const { protocol, hostname, port, method, path, query = {}, headers } = request;
  const origin = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
  const search = queryOf(query);
  try {
    // The path is passed separately, because a URL would resolve `..` in an object's key.
    const sent = await connections.open(origin, {
      method,
      headers,
      path: search === '' ? path : `${path}?${search}`,
      ...(signal === undefined ? {} : { signal }),
    });
    sent.end();
    const [message] = (await once(sent, 'response')) as [IncomingMessage];
    return message;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable(error, `${asMethod(method)} "${asUrl(origin, path, query)}"`);
  }
}

/** Where a Bucket says who signed the certificate of its endpoint. */
const AUTHORITY = 'ca.crt of the Secret that certSecretRef names';

/** A failed connection; by its `code` the SDK decides whether to try again. */
function unreachable(error: unknown, request: string): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const words = tlsProblem(error, AUTHORITY) ?? (message || code || 'no answer');
  const failure = new ObjectStoreError('Unreachable', `${request}: ${words}`, error);
  return Object.assign(failure, { code });
}

function asMethod(method: string): string {
  return method.charAt(0) + method.slice(1).toLowerCase();
}

/** The URL for a message, without the parameters of a list. */
function asUrl(origin: URL, path: string, query: object): string {
  return `${origin.origin}${path}${'location' in query ? '?location=' : ''}`;
}

/** In the form of AWS Signature Version 4: RFC 3986, with the characters encoded that encodeURIComponent leaves. */
function queryOf(query: Record<string, string | string[] | null>): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  return Object.entries(query)
    .flatMap(([name, value]) =>
      [value].flat().map((one) => (one === null ? encode(name) : `${encode(name)}=${encode(one)}`)),
    )
    .join('&');
}

function isContent({ method, query = {} }: SdkRequest, status: number): boolean {
  return method === 'GET' && status === 200 && !('list-type' in query) && !('location' in query);
}

function bounded(message: IncomingMessage): Readable {
  const output = new PassThrough();
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) {
        const what = `the object store sent an answer of more than ${MAX_ANSWER_BYTES} bytes`;
        throw new ObjectStoreError('InvalidAnswer', what);
      }
      yield chunk;
    }
  }
  // The reader of `output` gets the failure.
  pipeline(message, counted, output).catch(() => undefined);
  return output;
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
}
