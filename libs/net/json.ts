// Requests to APIs with JSON: one request, one bounded answer.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Connections } from './connections.ts';
import { sendRequest } from './send.ts';

export interface JsonRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers?: Readonly<Record<string, string>>;
  /** The body, sent as JSON; without it the request has none. */
  body?: unknown;
  /** The longest answer that is read, in bytes; 1 MiB unless given. */
  maxBytes?: number;
  signal: AbortSignal;
}

export interface JsonAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /**
   * Undefined if the answer is not JSON. The sender may be hostile, so nothing of it may be put into a message
   * unchecked.
   */
  body: unknown;
}

const CONNECT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/**
 * Sends a request and reads its answer, whatever its status is. Redirects are not followed. Rejects with Node's error,
 * with AddressRefused, or with AnswerTooLarge: `connectionProblem` has messages for all of these.
 */
export async function exchangeJson(
  connections: Connections,
  { method, url, headers = {}, body, maxBytes = MAX_BYTES, signal }: JsonRequest,
): Promise<JsonAnswer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const response = await sendRequest(connections, {
    method,
    url,
    signal,
    connectTimeoutMs: CONNECT_MS,
    body: text,
    headers: {
      accept: 'application/json',
      'user-agent': 'weir',
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...headers,
    },
  });
  const read = await readText(response, maxBytes);
  return { status: response.statusCode ?? 0, headers: response.headers, body: parsed(read) };
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`an answer of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
