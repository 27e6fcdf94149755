import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface UntilOptions {
  timeoutMs: number;
  /** Time between two checks; default 50 ms. */
  intervalMs?: number;
  /** What is waited for, as the end of the sentence "timed out after 5000 ms waiting for ...". */
  message: string;
  signal?: AbortSignal;
}

/** What `until` gives: the type without the falsy values, which mean "not yet". */
export type Truthy<T> = Exclude<T, undefined | null | false | '' | 0>;

/**
 * Calls `check` until it gives a truthy value and returns that. A check that throws counts as "not yet".
 *
 * When the deadline passes the error tells the last value or the last error seen, which is its `cause`. A check
 * that never settles does not hold it up.
 */
export async function until<T>(
  check: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Truthy<T>> {
  const { timeoutMs, intervalMs = 50, message, signal } = options;
  const deadline = performance.now() + timeoutMs;
  let last = 'nothing: the check has not answered';
  let cause: unknown;
  for (;;) {
    signal?.throwIfAborted();
    const left = deadline - performance.now();
    if (left <= 0) break;
    try {
      const result = await within(check, left);
      if (result === TIMED_OUT) break;
      if (result) return result as Truthy<T>;
      last = inspect(result, { depth: 4, breakLength: 120 });
      cause = undefined;
    } catch (error) {
      last = String(error);
      cause = error;
    }
    await delay(Math.max(0, Math.min(intervalMs, deadline - performance.now())), undefined, {
      ...(signal === undefined ? {} : { signal }),
    });
  }
  const text = `timed out after ${timeoutMs} ms waiting for ${message}; last seen: ${last}`;
  throw cause === undefined ? new Error(text) : new Error(text, { cause });
}

const TIMED_OUT = Symbol('timed out');

async function within<T>(
  check: () => T | Promise<T>,
  timeoutMs: number,
): Promise<T | typeof TIMED_OUT> {
  const timeout = Promise.withResolvers<typeof TIMED_OUT>();
  const timer = setTimeout(() => timeout.resolve(TIMED_OUT), timeoutMs);
  try {
    return await Promise.race([check(), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
