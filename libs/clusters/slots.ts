// Work in another cluster holds a slot of that cluster and no worker of the service, so that a cluster that is slow or
// gone delays only its own objects.
import { createFairLimit } from '@weir/async';

/** The parts of a run's context that give back and take workers. */
export interface Working {
  signal: AbortSignal;
  /** Runs a wait without holding a worker. */
  waiting<T>(wait: () => Promise<T>): Promise<T>;
  /** Runs work without holding a worker. */
  elsewhere<T>(work: () => Promise<T>): Promise<T>;
}

export interface Slots {
  /** Works in a slot of the cluster. During a wait of the context that `work` gets, the slot is free for others. */
  use<C extends Working, T>(
    tenant: string,
    context: C,
    work: (context: C) => Promise<T>,
  ): Promise<T>;
}

/** `max` at a time, shared fairly between tenants (namespaces). */
export function createSlots(max: number): Slots {
  const limit = createFairLimit(max);

  /** Resolves with the function that gives the slot back. */
  function take(tenant: string, signal: AbortSignal): Promise<() => void> {
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    limit.run(tenant, () => new Promise<void>((release) => resolve(release)), signal).catch(reject);
    return promise;
  }

  return {
    use: (tenant, context, work) =>
      context.elsewhere(async () => {
        const { signal } = context;
        let release = await take(tenant, signal);
        async function waiting<T>(wait: () => Promise<T>): Promise<T> {
          release();
          try {
            return await context.waiting(wait);
          } finally {
            release = signal.aborted ? nothing : await take(tenant, signal).catch(() => nothing);
          }
        }
        try {
          return await work({ ...context, waiting, elsewhere: (inner) => inner() });
        } finally {
          release();
        }
      }),
  };
}

/** A run that has ended needs no slot any more. */
function nothing(): void {
  // There is no slot to give back.
}
