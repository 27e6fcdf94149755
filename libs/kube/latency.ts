// How fast the API server answers at the moment. Callers whose work is not urgent use it to ask a busy server less often.

export interface LatencyMeter {
  /** Records that a request was answered after this time. */
  answered(ms: number): void;
  /** The mean time until an answer, in ms, smoothed over about a dozen answers; 0 when there was none recently. */
  ms(): number;
}

/** The share of the newest answer in the mean. */
const WEIGHT = 0.15;
/** Without an answer for this long, in ms, the mean says nothing about the present and is dropped. */
const STALE_MS = 2_000;

/** `now` is a clock in ms that never jumps. */
export function createLatencyMeter(now: () => number = () => performance.now()): LatencyMeter {
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
