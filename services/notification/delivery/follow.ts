import type { WorkQueue } from '@weir/bus';
import type { Membership } from '@weir/controller';
import type { Lanes } from './lanes.ts';

export interface Following {
  /** The subjects of the queue that are followed. */
  filter: string;
  queue: WorkQueue;
  lanes: Lanes;
  membership: Pick<Membership, 'onChange'>;
  signal: AbortSignal;
}

/**
 * Adds to the lanes what is in a queue, and then each new message, until `signal` aborts. When the replicas change it
 * starts over: this replica may have gained lanes, and other replicas work on those that it lost.
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
