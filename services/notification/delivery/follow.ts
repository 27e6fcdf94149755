import type { WorkQueue } from '@weir/bus';
import type { Membership } from '@weir/controller';
import type { Lanes } from './lanes.ts';
import { deliveryFilter } from './subjects.ts';

export interface Following {
  cluster: string;
  deliveries: WorkQueue;
  lanes: Lanes;
  membership: Pick<Membership, 'onChange'>;
  signal: AbortSignal;
}

/**
 * Gives the lanes what is in the stream of deliveries, and then what comes, until `signal` aborts. Whenever the replicas
 * change it begins anew: of what this replica gains it has no lanes yet, and what it lost is left to others.
 */
export async function followDeliveries(following: Following): Promise<void> {
  const { cluster, deliveries, lanes, membership, signal } = following;
  while (!signal.aborted) {
    const changed = new AbortController();
    const stop = membership.onChange(() => changed.abort());
    lanes.leaveOthers();
    try {
      const until = AbortSignal.any([signal, changed.signal]);
      for await (const head of deliveries.heads(deliveryFilter(cluster), until)) {
        lanes.add(head);
      }
    } finally {
      stop();
    }
  }
}
