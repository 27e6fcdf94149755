// Downloads files of a TUF repository through the operator's proxies, with limits on size, redirects and time.
import { isTimeout } from '@weir/async';
import {
  type Connections,
  connectionProblem,
  discard,
  followRedirects,
  RedirectRefused,
  readBounded,
  sendRequest,
} from '@weir/net';
import { SigstoreError } from './errors.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const USER_AGENT = 'weir/v1';

/** The server answered with a status other than 200. */
export class UnexpectedStatus extends SigstoreError {
  readonly status: number;

  constructor(url: URL, status: number) {
    super('Unavailable', `GET ${url.origin}${url.pathname}: status ${status}`);
    this.status = status;
  }
}

/**
 * Downloads a file into memory.
 * @param maxBytes a longer file is an error
 * @throws SigstoreError
 */
export async function download(
  connections: Connections,
  url: URL,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const what = `GET ${url.origin}${url.pathname}`;
  const headers = { 'user-agent': USER_AGENT };
  const send = (to: URL) =>
    sendRequest(connections, {
      ...{ method: 'GET', url: to, headers, signal, connectTimeoutMs: CONNECT_TIMEOUT_MS },
    });
  try {
    const { response } = await followRedirects({ response: await send(url), url }, send);
    const { statusCode: status = 0 } = response;
    if (status !== 200) {
      discard(response);
      throw new UnexpectedStatus(url, status);
    }
    return await readBounded(response, maxBytes);
  } catch (cause) {
    if (cause instanceof SigstoreError) throw cause;
    const why = reasonOf(cause, signal);
    throw new SigstoreError('Unavailable', `${what}: ${why}`, cause);
  }
}

function reasonOf(cause: unknown, signal: AbortSignal): string {
  const { reason } = signal;
  if (signal.aborted && isTimeout(reason)) {
    return 'no answer in time';
  }
  return cause instanceof RedirectRefused ? cause.message : connectionProblem(cause);
}
