// What is different about an API server that a tenant chose: its answers have bounds, and what it says is quoted only where it is
// a Status of Kubernetes. Any server can be named as an API server, such as one that only this cluster can reach.
import { AnswerTooLargeError } from './errors.ts';
import type { HttpResponse, HttpStream } from './http.ts';
import { isStatusBody } from './status.ts';
import type { Transport } from './transport.ts';

/** A page of 500 large objects has some 30 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 ** 2;
/** One object, with room for what API servers allow beyond etcd's 1.5 MiB. */
const MAX_EVENT_BYTES = 8 * 1024 ** 2;
const MAX_ERROR_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** Requests over the transport, with bounds on what comes back. */
export function boundedTransport(transport: Transport): Transport {
  return {
    ...transport,
    async exchange(request, signal) {
      const bounded = { ...request, maxAnswerBytes: MAX_ANSWER_BYTES };
      return discreet(await transport.exchange(bounded, signal));
    },
    async stream(request, signal) {
      const response = await transport.stream(request, signal);
      if (response.status < 300) return { ...response, chunks: withoutLongLines(response) };
      const { status, headers } = response;
      const { body } = discreet({ status, headers, body: await beginningOf(response) });
      return { ...response, chunks: once(body) };
    },
  };
}

function discreet(response: HttpResponse): HttpResponse {
  if (response.status < 300 || isStatusBody(response.body)) return response;
  return { ...response, body: Buffer.alloc(0) };
}

async function beginningOf({ chunks }: HttpStream): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ERROR_BYTES) return Buffer.alloc(0);
  }
  return Buffer.concat(parts);
}

async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

async function* withoutLongLines({ chunks }: HttpStream): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE);
    length = end < 0 ? length + chunk.length : chunk.length - end - 1;
    if (length > MAX_EVENT_BYTES) throw new AnswerTooLargeError(MAX_EVENT_BYTES);
    yield chunk;
  }
}
