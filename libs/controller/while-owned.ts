import type { Membership } from './membership.ts';

/**
 * For work that one replica does for all: runs it whenever this replica owns `key`, with a signal that aborts when it
 * doesn't any more, until `signal` aborts. The work ends by itself when its signal aborts; what it rejects with is the
 * caller's.
 */
export async function whileOwned(
  membership: Pick<Membership, 'owns' | 'onChange'>,
  key: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await untilOwned(membership, key, signal);
    const lost = new AbortController();
    const stop = membership.onChange(() => {
      if (!membership.owns(key)) lost.abort();
    });
    try {
      if (!signal.aborted && membership.owns(key)) {
        await work(AbortSignal.any([signal, lost.signal]));
      }
    } finally {
      stop();
    }
  }
}

function untilOwned(
  membership: Pick<Membership, 'owns' | 'onChange'>,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (!membership.owns(key) && !signal.aborted) return;
      stop();
      signal.removeEventListener('abort', check);
      resolve();
    };
    const stop = membership.onChange(check);
    signal.addEventListener('abort', check);
    check();
  });
}
