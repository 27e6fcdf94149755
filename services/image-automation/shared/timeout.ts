import { type ImageRepository, parseDuration } from '@weir/api';

/** How long an ImageRepository waits for its registry, in ms: as long as its interval unless it says so, as in Flux. */
export function timeoutOf({ spec }: Pick<ImageRepository, 'spec'>): number {
  return Math.max(parseDuration(spec.timeout ?? spec.interval), 1_000);
}
