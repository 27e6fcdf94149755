import { createBoundedMap, createSerial } from '@weir/async';
import type { WorkQueue } from '@weir/bus';
import { namespaceMembersFilter } from './subjects.ts';

/** Limits what the alerts of one namespace may have in the stream of groups. */
export interface GroupShare {
  /** Call before one more object is recorded; false when the namespace has its full share. */
  take(namespace: string): Promise<boolean>;
}

const MAX_NAMESPACES = 10_000;
/** A full share is counted again after so many objects, and after this time, in ms. */
const RECOUNT_MS = 10_000;

/**
 * Counts what this replica adds. What the others add is seen at the next count, so the bound may be exceeded by what
 * they add until then. `share` is a number of objects.
 */
export function createGroupShare(options: {
  cluster: string;
  share: number;
  queue: Pick<WorkQueue, 'counts'>;
  now?: () => number;
}): GroupShare {
  const { cluster, share, queue, now = () => performance.now() } = options;
  const known = createBoundedMap<string, { count: number; atMs: number }>({ max: MAX_NAMESPACES });
  const serial = createSerial();
  return {
    take: (namespace) =>
      serial(namespace, async () => {
        const before = known.get(namespace);
        const isFull = before !== undefined && before.count >= share;
        if (before !== undefined && !(isFull && now() - before.atMs > RECOUNT_MS)) {
          if (!isFull) known.set(namespace, { ...before, count: before.count + 1 });
          return !isFull;
        }
        const { size } = await queue.counts(namespaceMembersFilter(cluster, namespace));
        known.set(namespace, { count: size + 1, atMs: now() });
        return size < share;
      }),
  };
}
