// Decides who may run git next: one queue for everything, fair by namespace, in which no host gets every slot.
import { createFairLimit, type FairLimit } from '@weir/async';

/** For whom git runs: the namespace of the object that asked first, and the server. */
export interface GitUser {
  namespace: string;
  /** Host and port. */
  host: string;
}

export interface GitSlots {
  /** For requests with small answers: `ls-remote`. */
  ask<T>(user: GitUser, work: () => Promise<T>): Promise<T>;
  /**
   * For work that transfers much and needs memory and CPU time: fetching, packing, tidying. It needs a slot of `ask`
   * too.
   */
  transfer<T>(user: GitUser, work: () => Promise<T>): Promise<T>;
}

/** The share of the slots that a host never gets, so that a host that hangs leaves them to others. */
const LEFT_TO_OTHER_HOSTS = 1 / 6;
/** The share of the slots that may transfer, because each transfer may take its whole limit of memory. */
const TRANSFERS = 3 / 8;

/** @param max git commands that run at a time, at least 2 */
export function createGitSlots(max: number): GitSlots {
  const all = createSharedLimit(max);
  const transfers = createSharedLimit(Math.max(2, Math.round(max * TRANSFERS)));
  return {
    ask: (user, work) => all(user, work),
    // A transfer waits for a slot of `all` while it holds one of `transfers`. Nothing waits the other way round, which
    // could cause a deadlock.
    transfer: (user, work) => transfers(user, () => all(user, work)),
  };
}

/** A fair limit for all, after a fair one for each host. */
function createSharedLimit(max: number) {
  const perHost = Math.max(1, max - Math.max(1, Math.floor(max * LEFT_TO_OTHER_HOSTS)));
  const all = createFairLimit(max);
  const hosts = new Map<string, { limit: FairLimit; users: number }>();

  return async <T>({ namespace, host }: GitUser, work: () => Promise<T>): Promise<T> => {
    const entry = hosts.get(host) ?? { limit: createFairLimit(perHost), users: 0 };
    hosts.set(host, entry);
    entry.users += 1;
    try {
      return await entry.limit.run(namespace, () => all.run(namespace, work));
    } finally {
      entry.users -= 1;
      if (entry.users === 0) hosts.delete(host);
    }
  };
}
