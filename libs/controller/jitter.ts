import type { Outcome } from './reconcile.ts';

/**
 * Moves the next run by up to `share` of its delay in either direction, so that objects that started at the same time
 * don't run at the same time for ever. `random` returns numbers in [0, 1); Math.random unless given.
 */
export function withJitter(
  { requeueAfterMs }: { requeueAfterMs?: number },
  share: number,
  random: () => number = Math.random,
): Outcome {
  if (requeueAfterMs === undefined) return {};
  return { requeueAfterMs: requeueAfterMs * (1 + share * (2 * random() - 1)) };
}
