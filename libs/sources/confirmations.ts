// Asks the API server about announced artifacts that the watch has not shown in time.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Confirmations {
  /** Asks about the key soon; further requests before that have no effect. */
  request(key: string): void;
  /** Drops a request, because the watch has shown what was announced. */
  cancel(key: string): void;
  close(): void;
}

/** How far the watch may normally be behind a message. */
const WATCH_LAG_MS = 100;
/**
 * The shortest time between two requests. It limits what messages, which anybody may publish, can cost the API server.
 */
const PAUSE_MS = 50;
/** More keys than an installation has sources. Further requests are ignored: the watch will show those objects. */
const MAX_REQUESTED = 10_000;

/**
 * `ask` must not reject. Keys are asked about one at a time, each after the watch had time to show the object by
 * itself.
 */
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
