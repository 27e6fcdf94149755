// Decides when drift is corrected: at once, unless the same object is changed again and again.
import type { Drift } from './drift.ts';
import { inventoryId } from './inventory.ts';

/** So many corrections of one object are made at once. Further ones within the window wait longer and longer. */
const FREE_REPAIRS = 3;
const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 2_000;
const MAX_DELAY_MS = 300_000;

export interface Repair {
  /** Milliseconds until the correction. */
  delayMs: number;
  /** True once, when the drifts of an object begin to look like two controllers that undo each other's work. */
  isRepeated: boolean;
}

/**
 * Returns for each drift when to correct it. Two controllers that undo each other's work then cost little, and the
 * delays end when the object is left alone for a minute longer than the last delay.
 */
export function createDriftBackoff(now: () => number = () => performance.now()) {
  const repairs = new Map<string, { count: number; until: number }>();
  return function repairOf({ owner, id }: Pick<Drift, 'owner' | 'id'>): Repair {
    const time = now();
    for (const [key, { until }] of repairs) if (until < time) repairs.delete(key);
    // Objects of the same name in two clusters have two owners.
    const key = `${owner} ${inventoryId(id)}`;
    const count = (repairs.get(key)?.count ?? 0) + 1;
    const delayMs =
      count <= FREE_REPAIRS
        ? 0
        : Math.min(FIRST_DELAY_MS * 2 ** (count - FREE_REPAIRS - 1), MAX_DELAY_MS);
    repairs.set(key, { count, until: time + WINDOW_MS + delayMs });
    return { delayMs, isRepeated: count === FREE_REPAIRS + 1 };
  };
}
