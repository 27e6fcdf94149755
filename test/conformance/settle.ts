// When a cluster has come to rest: nothing tells, so it is looked at until nothing changes any more.
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

const POLL_MS = 250;

export interface SettleOptions<T> {
  take(): Promise<T>;
  /** How long nothing may change. Milliseconds. */
  quietMs: number;
  /** Longest wait. Milliseconds. */
  timeoutMs: number;
  /** True for a value that is as it should be: there is nothing to wait for. */
  isExpected?(value: T): boolean;
  /** True for a value that is sure to change. */
  isMoving?(value: T): boolean;
}

/** Takes values until one is expected, or rests for `quietMs`; returns the last one. */
export async function settle<T>(options: SettleOptions<T>): Promise<T> {
  const { take, quietMs, timeoutMs, isExpected = () => false, isMoving = () => false } = options;
  const deadline = performance.now() + timeoutMs;
  let last = await take();
  let since = performance.now();
  while (!isExpected(last)) {
    const now = performance.now();
    if ((now - since >= quietMs && !isMoving(last)) || now > deadline) return last;
    await delay(POLL_MS);
    const next = await take();
    if (!isDeepStrictEqual(next, last)) since = performance.now();
    last = next;
  }
  return last;
}
