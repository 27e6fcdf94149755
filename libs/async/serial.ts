export type Serial = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Runs the work of one key one after another, in the order of the calls. A failure rejects only its own call. */
export function createSerial(): Serial {
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
