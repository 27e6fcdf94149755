import { parseDuration } from '@weir/api';

/**
 * A duration of a spec (`5m`) in ms, but not less than the operator's floor: `interval: 1ms` would be a loop that takes
 * workers and requests from everybody else.
 * @param floorMs what `--min-interval` says
 */
export function intervalMs(text: string, floorMs: number): number {
  return Math.max(parseDuration(text), floorMs);
}
