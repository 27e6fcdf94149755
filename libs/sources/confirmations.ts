// Asks the API server to confirm what was announced, where the watch has not shown it in time.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Confirmations {
  /** Asks about the key soon: once, however often it is requested until then. */
  request(key: string): void;
  /** The watch has shown what was announced: there is nothing to ask. */
  cancel(key: string): void;
  close(): void;
}

/** How far a watch may be behind a message in good order. */
const WATCH_LAG_MS = 100;
/** The shortest time between two questions: messages that anybody may write cost no more than that. */
const PAUSE_MS = 50;
/** More keys than an installation has sources; what is requested beyond is left to the watch. */
const MAX_REQUESTED = 10_000;

/** `ask` must not reject. Keys are asked about one after the other, each after the watch had its time to show the same. */
export function createConfirmations(ask: (key: string) => Promise<void>): Confirmations {
  const requested = new Map<string, number>();
  const stop = new AbortController();
  let working = false;

  async function work(): Promise<void> {
    for (const [key, due] of requested) {
      await sleep(Math.max(0, due - performance.now()), undefined, { signal: stop.signal });
      if (!requested.delete(key)) continue;
      await ask(key);
      await sleep(PAUSE_MS, undefined, { signal: stop.signal });
    }
  }

  async function run(): Promise<void> {
    working = true;
    try {
      while (requested.size > 0) await work();
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      working = false;
    }
  }

  return {
    request(key) {
      if (stop.signal.aborted || requested.has(key) || requested.size >= MAX_REQUESTED) return;
      requested.set(key, performance.now() + WATCH_LAG_MS);
      if (!working) void run();
    },
    cancel: (key) => requested.delete(key),
    close: () => stop.abort(),
  };
}
