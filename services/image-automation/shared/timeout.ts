import { type ImageRepository, parseDuration } from '@weir/api';

/** How long an ImageRepository waits for its registry, in ms: its interval unless it has a timeout, as in Flux. */
export function timeoutOf({ spec }: Pick<ImageRepository, 'spec'>): number {
  return Math.max(parseDuration(spec.timeout ?? spec.interval), 1_000);
}
