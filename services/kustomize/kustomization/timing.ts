// The spec's durations in milliseconds, with Flux's defaults.
import { type Kustomization, parseDuration } from '@weir/api';
import { intervalMs } from '@weir/reconcile';

const MIN_TIMEOUT_MS = 30_000;
/** The longest delay of a timer in Node (24 days); with a longer one the timer fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Milliseconds until the next run after a failed one: `interval` if there is no `retryInterval`. */
export function retryIntervalMs({ spec }: Kustomization, floorMs: number): number {
  return intervalMs(spec.retryInterval ?? spec.interval, floorMs);
}

/** Half a minute less than the interval unless given, and never less than half a minute. Milliseconds. */
export function timeoutMs({ spec }: Kustomization): number {
  const { timeout, interval } = spec;
  const wanted =
    timeout === undefined ? parseDuration(interval) - MIN_TIMEOUT_MS : parseDuration(timeout);
  return Math.min(Math.max(wanted, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS);
}
