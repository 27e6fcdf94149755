// Requests to a forge's API over @weir/net: to allowed addresses, without redirects, with bounded answers.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { getCACertificates } from 'node:tls';
import {
  AnswerTooLarge,
  connectionProblem,
  openRequest,
  type RequestPolicy,
  readBounded,
} from '@weir/net';
import type { ForgeCall, ForgeRequest } from './call.ts';
import { ForgeError } from './errors.ts';

export interface ConnectOptions {
  network: RequestPolicy;
  /** PEM: certificates that are trusted in addition to the system's. */
  ca?: string | undefined;
  /** Ends all requests. */
  signal: AbortSignal;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Sends each request on a connection of its own. The server's text about a failure is left out of messages. */
export function connectForge({ network, ca, signal }: ConnectOptions): ForgeCall {
  return async (request) => {
    const url = new URL(request.url);
    const what = `${request.method} ${url.origin}${url.pathname}`;
    try {
      return await send(url, request, { network, ca, signal });
    } catch (cause) {
      if (cause instanceof ForgeError) throw new ForgeError(`${what}: ${cause.message}`);
      const isLate = cause instanceof Error && cause.name === 'AbortError';
      // The cause may quote a header.
      const why = isLate ? 'no answer in time' : connectionProblem(cause, 'ca.crt of the Secret');
      throw new ForgeError(`${what}: ${why}`);
    }
  };
}

async function send(
  url: URL,
  { method, headers, body, contentType = 'application/json', accept = [] }: ForgeRequest,
  { network, ca, signal }: ConnectOptions,
): Promise<{ status: number; text: string }> {
  const content = body === undefined ? undefined : JSON.stringify(body);
  const request = openRequest(
    url,
    {
      method,
      signal,
      headers: {
        accept: 'application/json',
        'user-agent': 'weir',
        ...(content === undefined
          ? {}
          : { 'content-type': contentType, 'content-length': Buffer.byteLength(content) }),
        ...headers,
      },
      ...(ca ? { ca: [...getCACertificates('system'), ca] } : {}),
    },
    network,
  );
  request.end(content);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const status = response.statusCode ?? 0;
  if (!accept.includes(status) && (status < 200 || status > 299)) {
    response.destroy();
    throw new ForgeError(`${status}${advice(status)}`);
  }
  const answer = await readBounded(response, MAX_ANSWER_BYTES).catch((cause: unknown) => {
    if (!(cause instanceof AnswerTooLarge)) throw cause;
    throw new ForgeError('the answer of the API is too large');
  });
  return { status, text: answer.toString('utf8') };
}

function advice(status: number): string {
  if (status === 401) return ' (the token is not valid)';
  if (status === 403) return ' (the token may not do this, or the limit of requests is reached)';
  if (status === 404) return ' (there is no such repository, or the token may not see it)';
  if (status >= 300 && status < 400) return ' (the address of the API is another one)';
  return status === 422 || status === 409 || status === 400
    ? ' (the forge refuses the request)'
    : '';
}
