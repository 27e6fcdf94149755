import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface UntilOptions {
  timeoutMs: number;
  /** The time between two checks, in ms; 50 unless given. */
  intervalMs?: number;
  /** What is waited for: the end of the sentence "timed out after 5000 ms waiting for ...". */
  message: string;
  signal?: AbortSignal;
}

/** The result type of `until`: the type without its falsy values, which mean "not yet". */
export type Truthy<T> = Exclude<T, undefined | null | false | '' | 0>;

/**
 * Calls `check` until it returns a truthy value, and resolves with that value. A check that throws counts as "not yet".
 *
 * When the deadline passes, it rejects with an error that states the last value or the last error, which is its `cause`.
 * A check that never settles does not delay that.
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
