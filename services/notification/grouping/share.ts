import { createBoundedMap, createSerial } from '@weir/async';
import type { WorkQueue } from '@weir/bus';
import { namespaceMembersFilter } from './subjects.ts';

/** What the alerts of one namespace may have remembered in the stream of groups. */
export interface GroupShare {
  /** Call before one more object is remembered; false when the namespace has its share already. */
  take(namespace: string): Promise<boolean>;
}

const MAX_NAMESPACES = 10_000;
/** A full share is counted anew for each so many objects, and at least so often, in ms. */
const RECOUNT_MS = 10_000;

/**
 * Counts what each replica adds; what the others add shows at the next count, so that the bound is exceeded by what they
 * add until then at most. `share` is a number of objects.
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
