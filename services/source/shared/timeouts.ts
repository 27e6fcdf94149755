// How long a source may take for each of its steps.
import { parseDuration } from '@weir/api';

/** What Flux's default is. */
const DEFAULT = '60s';
/** The longest that one step holds its slot, whatever `spec.timeout` says. Ms. */
const MAX_MS = 10 * 60_000;

/** `spec.timeout` in ms, 10 minutes at most. */
export function timeoutOf({ timeout = DEFAULT }: { timeout?: string | undefined }): number {
  return Math.min(parseDuration(timeout), MAX_MS);
}

/** Aborts with `signal`, and when the time is over, counted from now: the time of a step begins when it has its slot. */
export function deadline(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
}
