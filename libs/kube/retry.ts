import { ApiError, ConnectionError, RequestTimeoutError } from './errors.ts';

/** How long to wait before each try; milliseconds. */
export interface Backoff {
  baseMs: number;
  maxMs: number;
}

const REQUEST_BACKOFF: Backoff = { baseMs: 50, maxMs: 2_000 };
/** The Go client gives up after ten as well. */
const MAX_RETRIES = 10;
/** About three seconds without an answer: longer outages are the caller's to wait for. */
const MAX_CONNECTION_RETRIES = 6;

/**
 * Exponential, with the upper half random: a fleet that lost the same server does not come back in one
 * instant, and nobody comes back at once. `attempt` counts from 0.
 */
export function backoffMs(attempt: number, { baseMs, maxMs }: Backoff): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

/** Resolves after the time; rejects with the signal's reason if that aborts first. */
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
 * When to try again after a failure, in ms from now, or undefined for never.
 * - The server asks for it (429, or 5xx with Retry-After): it did nothing, whatever the method was.
 * - It surely never saw the request (no connection, refused stream, beyond a GOAWAY): any method.
 * - The connection broke in between, or 429/502/503/504 without more: only what can be done twice.
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
 * Runs a request until it succeeds or retryDelayMs says never. It does not start a wait that would end after
 * `deadline` (epoch of performance.now(), ms): then the error that it has is thrown.
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
      // Out of time while trying again: what went wrong before is what a user has to know.
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
