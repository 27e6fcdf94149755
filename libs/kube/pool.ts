import type { Session } from './session.ts';

/** HTTP/2 sessions to one server. More are opened as the number of streams grows. */
export interface Pool {
  /**
   * Calls `start` with a session that has room for one more stream; waits in line when there is none.
   * Rejects when a needed connection cannot be made, or with the signal's reason when it aborts during the wait.
   */
  use<T>(start: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** The sessions that are open now get no further streams, for example because their client certificate is old. */
  retire(): void;
  destroy(error: Error): void;
}

export interface PoolOptions {
  open(changed: () => void): Promise<Session>;
  /** The largest number of sessions. */
  size: number;
  /** Another session is opened when even the least busy one has this many streams. */
  spread: number;
}

interface Waiter {
  start(session: Session): void;
  fail(error: unknown): void;
}

/**
 * Gives each stream to the session with the fewest streams, and never more to one than the server allows. When all
 * sessions are full and no more may be opened, callers wait in line.
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
  /** Called whenever a stream or a session began or ended: starts what can start now. */
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
        // The stream starts synchronously after its session was chosen, so that the count of streams is always exact.
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
