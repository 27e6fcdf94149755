// Decides when a cluster has settled. There is no signal for that, so snapshots are taken until they no longer change.
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

const POLL_MS = 250;

export interface SettleOptions<T> {
  take(): Promise<T>;
  /** How long the value must stay the same, in ms. */
  quietMs: number;
  /** The longest wait, in ms. */
  timeoutMs: number;
  /** Whether the value is the expected one, for which nothing more is waited for. */
  isExpected?(value: T): boolean;
  /** Whether the value is certain to change, because a run is under way. */
  isMoving?(value: T): boolean;
}

/** Takes values until one is the expected one or has not changed for `quietMs`. Returns the last one. */
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
