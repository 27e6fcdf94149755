import type { Clock } from '../clock.ts';

export interface FakeClock extends Clock {
  /** Moves time forward, fires the timers that are due in their order, and lets the promises that they resolve settle. */
  advance(ms: number): Promise<void>;
  /** Lets promises settle without moving time. */
  settle(): Promise<void>;
  /** Simulates that the machine sleeps: the wall clock continues and the steady clock stops. */
  sleep(ms: number): void;
}

/** A clock that moves only when a test moves it. */
export function createFakeClock(): FakeClock {
  let now = 1_000;
  let wall = 1_750_000_000_000;
  const timers = new Set<{ due: number; callback: () => void }>();

  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  async function advance(ms: number) {
    const end = now + ms;
    for (;;) {
      const due = [...timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due);
      const [next] = due;
      if (!next) break;
      timers.delete(next);
      wall += Math.max(0, next.due - now);
      now = Math.max(now, next.due);
      next.callback();
      await settle();
    }
    wall += end - now;
    now = end;
    await settle();
  }

  return {
    now: () => now,
    wall: () => wall,
    timer(callback, ms) {
      const timer = { due: now + ms, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance,
    settle,
    sleep: (ms) => {
      wall += ms;
    },
  };
}
