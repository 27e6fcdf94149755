// Several callers that want the same at the same time get one result.

export type SingleFlight<T> = (key: string, work: () => Promise<T>) => Promise<T>;

/** Joins calls of the same key while one is under way: for work whose result depends on the key alone. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const running = new Map<string, Promise<T>>();
  return (key, work) => {
    const current = running.get(key);
    if (current) return current;
    const started = work().finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}

interface Flight<T> {
  current: Promise<T>;
  next?: Promise<T>;
}

/**
 * Joins calls of the same key, for work that looks at something that changes: a caller never gets the result of work
 * that had begun before it asked. It waits for that to end and shares the next one with all who came since.
 */
export function createFreshFlight<T>(): SingleFlight<T> {
  const running = new Map<string, Flight<T>>();

  function start(key: string, work: () => Promise<T>): Promise<T> {
    const flight: Flight<T> = { current: work() };
    running.set(key, flight);
    const clear = () => {
      if (running.get(key) === flight && !flight.next) running.delete(key);
    };
    flight.current.then(clear, clear);
    return flight.current;
  }

  return (key, work) => {
    const flight = running.get(key);
    if (!flight) return start(key, work);
    flight.next ??= flight.current.then(
      () => start(key, work),
      () => start(key, work),
    );
    return flight.next;
  };
}
