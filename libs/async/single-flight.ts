// Concurrent calls of the same key share one run of the work and its result.

export type SingleFlight<T> = (key: string, work: () => Promise<T>) => Promise<T>;

/** Calls of a key that come while its work runs share that run. For work whose result depends on the key alone. */
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
 * Like createSingleFlight, for work that reads something that changes. A caller never gets the result of a run that began
 * before its call: it waits until that run has ended, and shares the next run with all callers that came meanwhile.
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
