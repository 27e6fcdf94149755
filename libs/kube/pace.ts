// How fast the API server answers just now: whoever may wait a little asks less of a busy one.

export interface Pace {
  /** A request was answered after so many milliseconds. */
  answered(ms: number): void;
  /** How long answers take, in ms, smoothed over the last dozen; 0 when nothing was asked for a while. */
  ms(): number;
}

/** Share of the newest answer in the mean. */
const WEIGHT = 0.15;
/** What answers took longer ago than this says nothing about now. Milliseconds. */
const STALE_MS = 2_000;

export function createPace(now: () => number = () => performance.now()): Pace {
  let mean = 0;
  let latest = Number.NEGATIVE_INFINITY;
  const isStale = () => now() - latest > STALE_MS;
  return {
    answered(ms) {
      mean = isStale() ? ms : mean + WEIGHT * (ms - mean);
      latest = now();
    },
    ms: () => (isStale() ? 0 : mean),
  };
}
