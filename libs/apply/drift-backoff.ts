// When a drift is put right: at once, unless somebody changes the same object again and again.
import type { Drift } from './drift.ts';
import { inventoryId } from './inventory.ts';

/** This many repairs of one object come at once. Further repairs within the window wait longer and longer. */
const FREE_REPAIRS = 3;
const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 2_000;
const MAX_DELAY_MS = 300_000;

export interface Repair {
  /** Milliseconds until the object is to be put right. */
  delayMs: number;
  /** True once, when the drifts of an object begin to look like two controllers that undo each other's work. */
  isRepeated: boolean;
}

/**
 * Answers for each drift when it is to be put right. Two controllers that undo each other's work then cost little, and
 * the delays end when the object is left alone for a minute longer than the last one.
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
