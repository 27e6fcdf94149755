import type { RawRequest } from './client.ts';
import { ConnectionError, RequestTimeoutError } from './errors.ts';
import type { HttpRequest, HttpResponse, HttpStream } from './http.ts';
import { createLatencyMeter, type LatencyMeter } from './latency.ts';
import { retrying } from './retry.ts';
import { apiError } from './status.ts';
import type { Transport } from './transport.ts';

/** Sends requests to the API server: JSON in both directions, failures as errors, repeated where that is safe. */
export interface Caller {
  /** Returns the parsed answer. Rejects with the errors that KubeClient lists. */
  request<T>(request: RawRequest): Promise<T>;
  /**
   * Opens a watch. It is tried once, and has no time limit once the answer has begun. Rejects with ApiError unless
   * the status is 2xx.
   */
  stream(request: RawRequest, signal: AbortSignal): Promise<HttpStream>;
  /** A caller over the same connections that adds these headers to each request. */
  with(headers: Record<string, string | string[]>): Caller;
  /** How long answers take at the moment, over all requests of these connections. */
  readonly latency: LatencyMeter;
}

export const DEFAULT_TIMEOUT_MS = 30_000;

export function createCaller(
  transport: Transport,
  headers: Record<string, string | string[]>,
  latency: LatencyMeter = createLatencyMeter(),
): Caller {
  const measured: Transport = {
    ...transport,
    exchange: (...request) => timed(transport, latency, request),
  };
  return {
    latency,
    request: <T>(raw: RawRequest) => requestJson<T>(measured, headers, raw),
    async stream(raw, signal) {
      const response = await transport.stream(wireRequest(raw, headers), signal);
      if (response.status < 300) return response;
      const chunks: Buffer[] = [];
      for await (const chunk of response.chunks) chunks.push(chunk);
      throw apiError(response.status, response.headers, Buffer.concat(chunks));
    },
    with: (more) => createCaller(transport, { ...headers, ...more }, latency),
  };
}

async function timed(
  transport: Transport,
  latency: LatencyMeter,
  request: Parameters<Transport['exchange']>,
): Promise<HttpResponse> {
  const askedAt = performance.now();
  const response = await transport.exchange(...request);
  latency.answered(performance.now() - askedAt);
  return response;
}

async function requestJson<T>(
  transport: Transport,
  headers: Record<string, string | string[]>,
  raw: RawRequest,
): Promise<T> {
  const timeoutMs = raw.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const wire = wireRequest(raw, headers);
  const limit = new AbortController();
  const { signal } = limit;
  const late = `${raw.method} ${raw.path} took longer than ${timeoutMs} ms`;
  const timer = setTimeout(() => limit.abort(new RequestTimeoutError(late)), timeoutMs);
  const abort = () => limit.abort(raw.signal?.reason);
  if (raw.signal?.aborted) abort();
  raw.signal?.addEventListener('abort', abort);
  try {
    return await retrying(
      async () => {
        const response = await transport.exchange(wire, signal);
        if (response.status >= 300) {
          throw apiError(response.status, response.headers, response.body);
        }
        return parsed<T>(response, raw);
      },
      { signal, deadline: performance.now() + timeoutMs, idempotent: isIdempotent(raw) },
    );
  } finally {
    clearTimeout(timer);
    raw.signal?.removeEventListener('abort', abort);
  }
}

function parsed<T>(response: HttpResponse, raw: RawRequest): T {
  try {
    return JSON.parse(response.body.toString('utf8'));
  } catch (cause) {
    throw new ConnectionError(`the answer to ${raw.method} ${raw.path} is not JSON`, {
      sent: true,
      cause,
    });
  }
}

/**
 * Whether sending the request twice has the same effect as sending it once (RFC 9110 9.2.2). A JSON patch may append
 * to a list and a create may make two objects, so these are not idempotent. Server-side apply and merge patches
 * state the wanted result, and a dry run changes nothing.
 */
function isIdempotent({ method, contentType, query }: RawRequest): boolean {
  if (query?.dryRun === 'All') return true;
  if (method === 'PATCH') return contentType !== 'application/json-patch+json';
  return method !== 'POST';
}

function wireRequest(raw: RawRequest, base: Record<string, string | string[]>): HttpRequest {
  const headers = { ...base, accept: raw.accept ?? 'application/json' };
  const path = raw.query === undefined ? raw.path : raw.path + queryOf(raw.query);
  const { method } = raw;
  if (raw.body === undefined) return { method, path, headers };
  return {
    method,
    path,
    headers: { ...headers, 'content-type': raw.contentType ?? 'application/json' },
    body: Buffer.from(JSON.stringify(raw.body)),
  };
}

function queryOf(query: NonNullable<RawRequest['query']>): string {
  let text = '';
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    text += `${text === '' ? '?' : '&'}${name}=${encodeURIComponent(value)}`;
  }
  return text;
}
