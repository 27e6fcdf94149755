// Who may run git now: one line for all of it, fair by namespace, in which no host gets every slot.
import { createFairLimit, type FairLimit } from '@weir/async';

/** For whom git runs: the namespace of the object that asked first, and the server that it talks to. */
export interface GitUser {
  namespace: string;
  /** Host and port. */
  host: string;
}

export interface GitSlots {
  /** For a question that is answered with little: `ls-remote`. */
  ask<T>(user: GitUser, work: () => Promise<T>): Promise<T>;
  /** For what moves much and takes memory and processors: fetching, packing, tidying. Counts as a question too. */
  transfer<T>(user: GitUser, work: () => Promise<T>): Promise<T>;
}

/** Of so many slots, a host gets all but this share: a host that hangs leaves the rest to others. */
const LEFT_TO_OTHER_HOSTS = 1 / 6;
/** Of so many processes, this share may transfer: each of those may take its whole limit of memory. */
const TRANSFERS = 3 / 8;

/** @param max git commands that run at a time, at least 2 */
export function createGitSlots(max: number): GitSlots {
  const all = createSharedLimit(max);
  const transfers = createSharedLimit(Math.max(2, Math.round(max * TRANSFERS)));
  return {
    ask: (user, work) => all(user, work),
    // A transfer waits for a slot of `all` while it holds one of `transfers`. Nobody waits the other way round, which could block both.
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
