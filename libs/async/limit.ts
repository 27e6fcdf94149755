export type Limit = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets at most `max` pieces of work run at the same time; the others wait in line, first come, first served. */
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

export type KeyedLimit = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Lets at most `max` pieces of work of one key run at the same time. A key takes memory only while it is in use. */
export function createKeyedLimit(max: number): KeyedLimit {
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
