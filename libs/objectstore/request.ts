// Requests to stores with an HTTP API that need no SDK: with retries, and with bounded answers.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import {
  AddressRefused,
  AnswerTooLarge,
  type Connections,
  connectionProblem,
  discard,
  readBounded,
} from '@weir/net';
import { abortedBy, type ObjectContent } from './bucket.ts';
import { ObjectStoreError, quoted } from './errors.ts';

export interface StoreRequest {
  connections: Connections;
  /** Scheme, host and port. */
  origin: URL;
  /** Path and query as they are sent: a key may contain `..`, which a URL would resolve. */
  path: string;
  /** Makes the headers for each attempt, because signatures contain a date. An error counts as a refusal. */
  headers: () => Promise<Record<string, string>>;
  signal: AbortSignal;
}

/** The first request included. */
const MAX_ATTEMPTS = 3;
/** Milliseconds before the second attempt; each further one waits twice as long. */
const PAUSE_MS = 100;
/** Statuses after which another attempt may succeed. */
const PASSING = new Set([429, 500, 502, 503, 504]);
/** A page of a list with a thousand keys takes less than half of this. */
const MAX_ANSWER_BYTES = 8 * 1024 ** 2;
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Sends a GET request and returns the head of the answer, whatever its status is; redirects are not followed.
 * @throws ObjectStoreError Aborted, Unreachable; Refused if there are no credentials
 */
export async function get(request: StoreRequest): Promise<IncomingMessage> {
  const { signal } = request;
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= MAX_ATTEMPTS;
    try {
      const answer = await send(request, await headersOf(request));
      if (isLast || !PASSING.has(answer.statusCode ?? 0)) return answer;
      discard(answer);
    } catch (error) {
      if (signal.aborted) throw abortedBy(signal);
      if (error instanceof ObjectStoreError) throw error;
      if (isLast || error instanceof AddressRefused) throw unreachable(request, error);
    }
    await pause(PAUSE_MS * 2 ** (attempt - 1), undefined, { signal }).catch(() => {
      throw abortedBy(signal);
    });
  }
}

async function headersOf({ headers, signal }: StoreRequest): Promise<Record<string, string>> {
  try {
    return await headers();
  } catch (cause) {
    if (signal.aborted) throw abortedBy(signal);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ObjectStoreError('Refused', quoted(why), cause);
  }
}

async function send(
  { connections, origin, path, signal }: StoreRequest,
  headers: Record<string, string>,
): Promise<IncomingMessage> {
  const outgoing = await connections.open(origin, {
    method: 'GET',
    path,
    headers: { 'user-agent': 'weir', 'accept-encoding': 'identity', ...headers },
    signal,
  });
  outgoing.on('error', () => undefined);
  outgoing.end();
  const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
  return message;
}

/** The URL is shown without its query, which may contain a signature. */
function unreachable({ origin, path }: StoreRequest, cause: unknown): ObjectStoreError {
  const url = quoted(`${origin.origin}${path.split('?')[0]}`);
  return new ObjectStoreError('Unreachable', `Get "${url}": ${connectionProblem(cause)}`, cause);
}

/** The whole answer as a text. @throws ObjectStoreError */
export async function textOf(answer: IncomingMessage, signal: AbortSignal): Promise<string> {
  const most = answer.statusCode === 200 ? MAX_ANSWER_BYTES : MAX_ERROR_BYTES;
  try {
    return (await readBounded(answer, most)).toString('utf8');
  } catch (cause) {
    if (signal.aborted) throw abortedBy(signal);
    if (!(cause instanceof AnswerTooLarge)) {
      throw new ObjectStoreError('Unreachable', connectionProblem(cause), cause);
    }
    const what = `the object store sent an answer of more than ${most} bytes`;
    throw new ObjectStoreError('InvalidAnswer', what, cause);
  }
}

/** The object in an answer. */
export function contentOf(
  answer: IncomingMessage,
  etag: string,
  signal: AbortSignal,
): ObjectContent {
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  return {
    etag,
    size: Number.isSafeInteger(length) ? length : undefined,
    content: checked(answer, signal),
    close: () => void answer.destroy(),
  };
}

async function* checked(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* answer as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (signal.aborted) throw abortedBy(signal);
    throw new ObjectStoreError('Unreachable', connectionProblem(error), error);
  }
}

/** The error for an answer that no object store would send. */
export function notAnObjectStore(status: number | undefined, what: string): ObjectStoreError {
  const message = `the endpoint answered with HTTP status ${status} and nothing that ${what} would answer: is it an object store?`;
  return new ObjectStoreError('InvalidAnswer', message);
}
