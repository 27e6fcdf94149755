import type { IncomingMessage } from 'node:http';
import {
  AddressRefused,
  type Connections,
  connectionProblem,
  isTlsFailure,
  type SentRequest,
  sendRequest,
} from '@weir/net';
import { aborted } from './deadline.ts';
import { OciError } from './errors.ts';

export interface HttpRequest extends SentRequest {
  method: 'GET' | 'HEAD' | 'POST';
}

/**
 * Method and URL, for messages: without a query, which may hold what a redirect signed, unless it says only how long a page
 * of a list is to be.
 */
export function describe({ method, url }: Pick<HttpRequest, 'method' | 'url'>): string {
  const query = /^\?n=[0-9]+$/.test(url.search) ? url.search : '';
  return `${method} ${url.protocol}//${url.host}${url.pathname}${query}`;
}

/**
 * Sends a request and gives the answer's head; its body is the caller's to read or to destroy.
 * @throws OciError Refused, Unreachable, Untrusted, Timeout, Aborted
 */
export async function send(
  connections: Connections,
  request: HttpRequest,
): Promise<IncomingMessage> {
  try {
    return await sendRequest(connections, request);
  } catch (cause) {
    throw connectionError(request, cause);
  }
}

function connectionError({ method, url, signal }: HttpRequest, cause: unknown): OciError {
  if (signal.aborted) return aborted(describe({ method, url }), signal);
  const message = `Get "${url.protocol}//${url.host}/v2/": ${connectionProblem(cause)}`;
  if (cause instanceof AddressRefused) return new OciError('Refused', message, { cause });
  return new OciError(isTlsFailure(cause) ? 'Untrusted' : 'Unreachable', message, { cause });
}
