import type { Session } from './session.ts';

/** HTTP/2 sessions to one server, as many as the load asks for. */
export interface Pool {
  /**
   * Starts something on a session that has room for one more stream, at once or when it is its turn.
   * Rejects when a needed connection cannot be made, or with the signal's reason while it waits.
   */
  use<T>(start: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Sessions of now get no new streams (their credentials are old). */
  retire(): void;
  destroy(error: Error): void;
}

export interface PoolOptions {
  open(changed: () => void): Promise<Session>;
  /** Sessions at most. */
  size: number;
  /** Streams on the least busy session before another one is opened beside it. */
  spread: number;
}

interface Waiter {
  start(session: Session): void;
  fail(error: unknown): void;
}

/**
 * Streams go to the session with the fewest; never more on one than the server allows. When all are full
 * and no more may be opened, callers wait their turn.
 */
export function createPool({ open, size, spread }: PoolOptions): Pool {
  const sessions = new Set<Session>();
  const waiters = new Set<Waiter>();
  let opening = false;
  let destroyed: Error | undefined;

  const free = (): Session | undefined => {
    let best: Session | undefined;
    for (const session of sessions) {
      if (!session.usable() || session.streams() >= session.limit()) continue;
      if (best === undefined || session.streams() < best.streams()) best = session;
    }
    return best;
  };
  const usable = () => [...sessions].filter((session) => session.usable()).length;

  const grow = () => {
    if (opening || usable() >= size) return;
    opening = true;
    open(changed)
      .then((session) => {
        opening = false;
        sessions.add(session);
        if (destroyed !== undefined) session.destroy(destroyed);
        changed();
      })
      .catch((error) => {
        opening = false;
        for (const waiter of [...waiters]) waiter.fail(error);
      });
  };
  /** Called whenever a stream or a session ended or began. */
  const changed = () => {
    for (const session of sessions) if (session.closed()) sessions.delete(session);
    for (const waiter of waiters) {
      const session = free();
      if (session === undefined) return grow();
      waiter.start(session);
    }
  };
  const enqueue = <T>(start: (session: Session) => Promise<T>, signal: AbortSignal) =>
    new Promise<T>((resolve, reject) => {
      const abort = () => waiter.fail(signal.reason);
      const leave = () => {
        waiters.delete(waiter);
        signal.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        // In the same turn as the choice of the session, so that its count of streams is never stale.
        start(session) {
          leave();
          resolve(start(session));
        },
        fail(error) {
          leave();
          reject(error);
        },
      };
      signal.addEventListener('abort', abort);
      waiters.add(waiter);
      grow();
    });

  return {
    async use(start, signal) {
      if (destroyed !== undefined) throw destroyed;
      if (signal.aborted) throw signal.reason;
      const session = waiters.size === 0 ? free() : undefined;
      if (session === undefined) return enqueue(start, signal);
      if (session.streams() >= spread) grow();
      return start(session);
    },
    retire() {
      for (const session of sessions) session.retire();
    },
    destroy(error) {
      destroyed = error;
      for (const waiter of [...waiters]) waiter.fail(error);
      for (const session of sessions) session.destroy(error);
    },
  };
}
