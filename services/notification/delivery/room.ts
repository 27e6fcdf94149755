import { createBoundedMap, createSerial } from '@weir/async';
import type { WorkQueue } from '@weir/bus';
import type { DeadLetters } from './dead-letters.ts';
import { deliveryFilter, namespaceOf } from './subjects.ts';

/** So much of a share is given up at once, so that a full share isn't counted again for each delivery. */
const STEP = 0.1;
const MAX_NAMESPACES = 10_000;

/** Makes sure that no namespace has more than its share of the waiting deliveries. */
export interface Room {
  /**
   * Call before `count` deliveries to alerts of the namespace are put into the stream; its oldest ones are given up if
   * necessary. Resolves with a function that is to be called when they are in the stream, or are known not to be.
   */
  makeFor(namespace: string, count: number): Promise<() => void>;
  /** The stream is full in spite of the shares: gives up the oldest deliveries of the namespace with the most. */
  makeSome(): Promise<void>;
}

/**
 * Only one replica at a time puts deliveries into the stream, so its own additions since the last count are an upper
 * bound. `share` is a number of deliveries.
 */
export function createRoom(options: {
  cluster: string;
  share: number;
  deliveries: WorkQueue;
  deadLetters: DeadLetters;
}): Room {
  const { cluster, share, deliveries, deadLetters } = options;
  const queued = createBoundedMap<string, number>({ max: MAX_NAMESPACES });
  const serial = createSerial();
  const underWay = new Map<string, Set<Promise<void>>>();

  /** Deliveries that were granted room and aren't in the stream yet would not be counted. */
  function begin(namespace: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const others = underWay.get(namespace) ?? new Set();
    underWay.set(namespace, others.add(promise));
    return () => {
      others.delete(promise);
      if (others.size === 0 && underWay.get(namespace) === others) underWay.delete(namespace);
      resolve();
    };
  }

  async function count(namespace?: string): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const [subject, messages] of await deliveries.counts(deliveryFilter(cluster, namespace))) {
      const owner = namespaceOf(subject);
      counts.set(owner, (counts.get(owner) ?? 0) + messages);
    }
    return counts;
  }

  async function makeRoom(namespace: string, wanted: number): Promise<void> {
    const atMost = queued.get(namespace) ?? share;
    if (atMost + wanted <= share) {
      queued.set(namespace, atMost + wanted);
      return;
    }
    await Promise.all(underWay.get(namespace) ?? []);
    let waiting = (await count(namespace)).get(namespace) ?? 0;
    if (waiting + wanted > share) {
      const excess = Math.max(waiting + wanted - share, Math.ceil(share * STEP));
      const why = `more than ${share} deliveries of the namespace waited: its receivers are slow or away`;
      await deadLetters.giveUpOldest(namespace, excess, why);
      waiting = Math.max(0, waiting - excess);
    }
    queued.set(namespace, waiting + wanted);
  }

  return {
    makeFor: (namespace, wanted) =>
      serial(namespace, async () => {
        await makeRoom(namespace, wanted);
        return begin(namespace);
      }),
    makeSome: () =>
      serial('', async () => {
        const [most] = [...(await count())].sort(([, a], [, b]) => b - a);
        if (most === undefined) return;
        const [namespace, messages] = most;
        const why = 'the stream of deliveries was full, and this namespace had the most in it';
        await deadLetters.giveUpOldest(namespace, Math.ceil(messages * STEP), why);
      }),
  };
}
