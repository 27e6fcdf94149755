// The spec's durations in milliseconds, with Flux's defaults.
import { type Kustomization, parseDuration } from '@weir/api';
import { intervalMs } from '@weir/reconcile';

const MIN_TIMEOUT_MS = 30_000;
/** A timer of Node counts no further (24 days), and ends at once when it is asked to. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Until the next run after one that failed: `interval` where no `retryInterval` is given. */
export function retryIntervalMs({ spec }: Kustomization, floorMs: number): number {
  return intervalMs(spec.retryInterval ?? spec.interval, floorMs);
}

/** Half a minute less than the interval when not given, and never less than half a minute. */
export function timeoutMs({ spec }: Kustomization): number {
  const { timeout, interval } = spec;
  const wanted =
    timeout === undefined ? parseDuration(interval) - MIN_TIMEOUT_MS : parseDuration(timeout);
  return Math.min(Math.max(wanted, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS);
}
