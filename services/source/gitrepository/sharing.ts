// Several callers that want the same at the same time get one result.

/**
 * Calls of one key one after another. Resolves to the result of `work`; a failure ends only its own call.
 */
export function createQueues(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<void>>();
  return async (key, work) => {
    const before = tails.get(key);
    const done = Promise.withResolvers<void>();
    tails.set(key, done.promise);
    try {
      await before;
      return await work();
    } finally {
      done.resolve();
      if (tails.get(key) === done.promise) tails.delete(key);
    }
  };
}

/**
 * Joins calls of the same key. A caller never gets the result of work that had begun before it asked: what has
 * begun may have seen an older state. It waits for that to end and shares the next one with all who came since.
 */
export function createFreshSharing<T>(): (key: string, work: () => Promise<T>) => Promise<T> {
  const running = new Map<string, { current: Promise<T>; next?: Promise<T> }>();

  function start(key: string, work: () => Promise<T>): Promise<T> {
    const slot: { current: Promise<T>; next?: Promise<T> } = { current: work() };
    running.set(key, slot);
    const clear = () => {
      if (running.get(key) === slot && !slot.next) running.delete(key);
    };
    slot.current.then(clear, clear);
    return slot.current;
  }

  return (key, work) => {
    const slot = running.get(key);
    if (!slot) return start(key, work);
    slot.next ??= slot.current.then(
      () => start(key, work),
      () => start(key, work),
    );
    return slot.next;
  };
}

/** Joins calls of the same key while one is under way: for work whose result depends on the key alone. */
export function createSharing<T>(): (key: string, work: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<T>>();
  return (key, work) => {
    const current = running.get(key);
    if (current) return current;
    const started = work().finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}

export type Limit = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets at most `max` pieces of work run at the same time; the others wait in line. */
export function createLimit(max: number): Limit {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= max) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** A limit for each key. */
export function createLimits(max: number): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const limits = new Map<string, { limit: Limit; users: number }>();
  return async (key, work) => {
    const entry = limits.get(key) ?? { limit: createLimit(max), users: 0 };
    limits.set(key, entry);
    entry.users += 1;
    try {
      return await entry.limit(work);
    } finally {
      entry.users -= 1;
      if (entry.users === 0) limits.delete(key);
    }
  };
}
