// The spec's durations in milliseconds, with Flux's defaults.
import { type Kustomization, parseDuration } from '@weir/api';

const MIN_TIMEOUT_MS = 30_000;

export function intervalMs({ spec }: Kustomization): number {
  return parseDuration(spec.interval);
}

export function retryIntervalMs(object: Kustomization): number {
  const { retryInterval } = object.spec;
  return retryInterval === undefined ? intervalMs(object) : parseDuration(retryInterval);
}

/** Half a minute less than the interval when not given, and never less than half a minute. */
export function timeoutMs(object: Kustomization): number {
  const { timeout } = object.spec;
  const wanted =
    timeout === undefined ? intervalMs(object) - MIN_TIMEOUT_MS : parseDuration(timeout);
  return Math.max(wanted, MIN_TIMEOUT_MS);
}
