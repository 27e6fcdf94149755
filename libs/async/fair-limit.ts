import { createFairLine } from './fair-line.ts';

/** Runs work in a slot that is shared fairly between tenants (namespaces). */
export interface FairLimit {
  /**
   * Resolves or rejects as the work does. When the signal aborts while the call waits for its slot, the call leaves the
   * line and rejects with the signal's reason. Once the work runs, the signal has no effect: the work has to observe it.
   */
  run<T>(tenant: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** How many pieces of work wait in line, and how many run. */
  load(): { waiting: number; running: number };
}

/** A tenant gets no further slot while it holds this many times as many as are free. */
const SHARE = 3;

/**
 * Lets at most `max` pieces of work run at the same time. A free slot goes to the tenant with the fewest running pieces.
 * A tenant never gets the last slots, even when it is the only one, so that its work that hangs until a time limit
 * leaves room for others: of 16 slots one tenant alone gets 12, and a second one 3 of the rest.
 */
export function createFairLimit(max: number): FairLimit {
  let running = 0;
  const line = createFairLine<() => void>({ mayRun: (held) => held < SHARE * (max - running) });

  function pump(): void {
    while (running < max) {
      const start = line.take();
      if (start === undefined) return;
      running += 1;
      start();
    }
  }

  async function slot(tenant: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      line.remove(tenant, resolve);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    line.push(tenant, resolve);
    pump();
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  return {
    async run(tenant, work, signal) {
      await slot(tenant, signal);
      try {
        return await work();
      } finally {
        running -= 1;
        line.release(tenant);
        pump();
      }
    },
    load: () => ({ waiting: line.size(), running }),
  };
}
