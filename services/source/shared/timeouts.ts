// The time limits of a source's steps.
import { parseDuration } from '@weir/api';

/** Flux's default. */
const DEFAULT = '60s';
/** The longest that one step may hold its slot, whatever `spec.timeout` says. Milliseconds. */
const MAX_MS = 10 * 60_000;

/** `spec.timeout` in ms, 10 minutes at most. */
export function timeoutOf({ timeout = DEFAULT }: { timeout?: string | undefined }): number {
  return Math.min(parseDuration(timeout), MAX_MS);
}

/**
 * A signal that aborts with `signal`, and when the time limit is over. It is counted from now, because the time of a
 * step begins when it has its slot.
 */
export function deadline(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
}
