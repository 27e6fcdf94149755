import { parseDuration } from '@weir/api';

/**
 * A duration of a spec (`5m`) in ms, raised to the operator's minimum: an object with `interval: 1ms` would run all the
 * time and take workers and requests from others.
 * @param floorMs the value of `--min-interval`
 */
export function intervalMs(text: string, floorMs: number): number {
  return Math.max(parseDuration(text), floorMs);
}

/**
 * How old an answer of a remote may be for a run, in ms. A run that only the interval caused accepts half an interval,
 * so that many objects of one remote ask it about twice an interval in all. A run with another cause needs a new
 * answer.
 */
export function acceptableAgeMs(causes: ReadonlySet<string>, everyMs: number): number {
  const isRoutine = causes.size === 1 && causes.has('interval');
  return isRoutine ? everyMs / 2 : 0;
}
