import type { Outcome } from './reconcile.ts';

/**
 * Moves the next run of an outcome by up to `share` of its time in either direction, so that what began
 * together does not come together for ever. `random` is Math.random unless given.
 */
export function withJitter(
  { requeueAfterMs }: { requeueAfterMs?: number },
  share: number,
  random: () => number = Math.random,
): Outcome {
  if (requeueAfterMs === undefined) return {};
  return { requeueAfterMs: requeueAfterMs * (1 + share * (2 * random() - 1)) };
}
