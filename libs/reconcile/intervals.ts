import { parseDuration } from '@weir/api';

/**
 * A duration of a spec (`5m`) in ms, but not less than the operator's floor: `interval: 1ms` would be a loop that takes
 * workers and requests from everybody else.
 * @param floorMs what `--min-interval` says
 */
export function intervalMs(text: string, floorMs: number): number {
  return Math.max(parseDuration(text), floorMs);
}

/**
 * How old an answer may be for a run, in ms: half an interval where the interval alone is why the object runs, so that many
 * objects of one remote ask it about twice an interval in all. Whoever changes or requests something gets a new answer.
 */
export function acceptableAgeMs(causes: ReadonlySet<string>, everyMs: number): number {
  const isRoutine = causes.size === 1 && causes.has('interval');
  return isRoutine ? everyMs / 2 : 0;
}
