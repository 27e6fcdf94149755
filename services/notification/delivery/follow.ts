import type { WorkQueue } from '@weir/bus';
import type { Membership } from '@weir/controller';
import type { Lanes } from './lanes.ts';

export interface Following {
  /** What is followed of the queue. */
  filter: string;
  queue: WorkQueue;
  lanes: Lanes;
  membership: Pick<Membership, 'onChange'>;
  signal: AbortSignal;
}

/**
 * Gives the lanes what is in a queue, and then what comes, until `signal` aborts. Whenever the replicas
 * change it begins anew: of what this replica gains it has no lanes yet, and what it lost is left to others.
 */
export async function followQueue(following: Following): Promise<void> {
  const { filter, queue, lanes, membership, signal } = following;
  while (!signal.aborted) {
    const changed = new AbortController();
    const stop = membership.onChange(() => changed.abort());
    lanes.leaveOthers();
    try {
      const until = AbortSignal.any([signal, changed.signal]);
      for await (const head of queue.heads(filter, until)) {
        lanes.add(head);
      }
    } finally {
      stop();
    }
  }
}
