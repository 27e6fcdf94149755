// Asks the API server about what was announced and the watch has not shown.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Doubts {
  /** Has the key looked at soon, once however often it is raised until then. */
  raise(key: string): void;
  close(): void;
}

/** How far a watch may be behind a message in good order. */
const WATCH_LAG_MS = 100;
/** The shortest time between two questions: messages that anybody may write cost no more than that. */
const PAUSE_MS = 50;
/** More keys than an installation has sources; whatever is raised beyond is left to the watch. */
const MAX_RAISED = 10_000;

/**
 * `isSettled` says that there is nothing to ask any more; `ask` asks, and must not reject. Keys are asked about one
 * after the other, each after the watch had its time to show the same.
 */
export function createDoubts(
  isSettled: (key: string) => boolean,
  ask: (key: string) => Promise<void>,
): Doubts {
  const raised = new Map<string, number>();
  const stop = new AbortController();
  let working = false;

  async function work(): Promise<void> {
    for (const [key, due] of raised) {
      await sleep(Math.max(0, due - performance.now()), undefined, { signal: stop.signal });
      raised.delete(key);
      if (isSettled(key)) continue;
      await ask(key);
      await sleep(PAUSE_MS, undefined, { signal: stop.signal });
    }
  }

  async function run(): Promise<void> {
    working = true;
    try {
      while (raised.size > 0) await work();
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      working = false;
    }
  }

  return {
    raise(key) {
      if (stop.signal.aborted || raised.has(key) || raised.size >= MAX_RAISED) return;
      raised.set(key, performance.now() + WATCH_LAG_MS);
      if (!working) void run();
    },
    close: () => stop.abort(),
  };
}
