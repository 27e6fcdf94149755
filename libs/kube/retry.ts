import { ApiError, ConnectionError, RequestTimeoutError } from './errors.ts';

/** The shortest first wait and the longest wait between tries, in ms. */
export interface Backoff {
  baseMs: number;
  maxMs: number;
}

const REQUEST_BACKOFF: Backoff = { baseMs: 50, maxMs: 2_000 };
/** How often a request is repeated at most. The Go client has the same limit. */
const MAX_RETRIES = 10;
/** How often a failed connection is tried again: for about three seconds. The caller has to wait out longer outages. */
const MAX_CONNECTION_RETRIES = 6;

/**
 * An exponential wait in ms whose upper half is random, so that many clients that lost the same server do not all come
 * back at the same moment. `attempt` counts from 0.
 */
export function backoffMs(attempt: number, { baseMs, maxMs }: Backoff): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

/** Resolves after `ms`. Rejects with the signal's reason when the signal aborts before that. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}

/**
 * How long to wait before a failed request is repeated, in ms; undefined when it must not be repeated.
 * - The server asks for a repetition (429, or 5xx with Retry-After), so it did nothing: any method is repeated.
 * - The server certainly did not process the request (no connection, refused stream, a stream above the last one of a
 *   GOAWAY): any method is repeated.
 * - The connection broke before the answer, or a 429/502/503/504 without Retry-After: only idempotent requests are
 *   repeated.
 */
export function retryDelayMs(
  error: unknown,
  { attempt, idempotent }: { attempt: number; idempotent: boolean },
): number | undefined {
  if (attempt >= MAX_RETRIES) return undefined;
  const delay = backoffMs(attempt, REQUEST_BACKOFF);
  if (error instanceof ConnectionError) {
    const again = attempt < MAX_CONNECTION_RETRIES && (idempotent || !error.sent);
    return again ? delay : undefined;
  }
  if (!(error instanceof ApiError)) return undefined;
  const { status, retryAfterMs } = error;
  const asked = status === 429 || status >= 500;
  if (asked && retryAfterMs !== undefined) return Math.max(retryAfterMs, delay);
  if (status === 429) return delay;
  const away = status === 502 || status === 503 || status === 504;
  return away && idempotent && attempt < MAX_CONNECTION_RETRIES ? delay : undefined;
}

/**
 * Runs a request until it succeeds or `retryDelayMs` returns undefined. When the next wait would end after `deadline`
 * (a time of performance.now(), in ms), the last error is thrown at once.
 */
export async function retrying<T>(
  run: () => Promise<T>,
  options: { signal: AbortSignal; deadline: number; idempotent: boolean },
): Promise<T> {
  let last: unknown;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      // The time limit passed during a repetition: the failure before it is what the user has to know.
      if (error instanceof RequestTimeoutError && last instanceof Error) {
        throw new RequestTimeoutError(`${error.message}: ${last.message}`, { cause: last });
      }
      const { signal, deadline, idempotent } = options;
      const delay = retryDelayMs(error, { attempt, idempotent });
      if (delay === undefined || signal.aborted || performance.now() + delay > deadline)
        throw error;
      last = error;
      await sleep(delay, signal);
    }
  }
}
