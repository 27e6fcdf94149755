/** Milliseconds since 1970 with the precision of the monotonic clock, comparable with the times of spans. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
