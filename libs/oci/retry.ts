import { setTimeout as sleep } from 'node:timers/promises';
import { aborted } from './deadline.ts';
import { OciError } from './errors.ts';

export interface RetryOptions {
  /** How often a request is sent in all. */
  attempts: number;
  /** Pause before the second attempt, in ms; three times as long before each further one. */
  firstPauseMs: number;
  /** The longest pause that a server may ask for, in ms: who asks for a longer one is not waited for. */
  maxPauseMs: number;
}

export const DEFAULT_RETRY: RetryOptions = { attempts: 3, firstPauseMs: 300, maxPauseMs: 10_000 };

/** The latest time that is read from `Retry-After`, in ms: a day. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000;

/** The header `Retry-After` in ms from now: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/**
 * Does the work again while it fails with what may be over soon: too many requests, an error of the server, a broken
 * connection. Waits as long as the server asks for.
 */
export async function withRetries<T>(
  work: () => Promise<T>,
  { retry, what, signal }: { retry: RetryOptions; what: string; signal: AbortSignal },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const pauseMs = pauseAfter(error, attempt, retry);
      if (pauseMs === undefined) throw error;
      await sleep(pauseMs, undefined, { signal }).catch(() => {
        throw aborted(what, signal);
      });
    }
  }
}

/** Undefined where another attempt is of no use. */
function pauseAfter(error: unknown, attempt: number, retry: RetryOptions): number | undefined {
  if (!(error instanceof OciError) || attempt >= retry.attempts) return undefined;
  const { reason, retryAfterMs: asked } = error;
  if (!['RateLimited', 'Unavailable', 'Unreachable', 'Truncated'].includes(reason)) {
    return undefined;
  }
  const own = retry.firstPauseMs * 3 ** (attempt - 1);
  // A little by chance, so that clients that failed together don't come again together.
  const pauseMs = Math.max(asked ?? 0, own * (0.75 + Math.random() / 2));
  return pauseMs > retry.maxPauseMs ? undefined : pauseMs;
}
