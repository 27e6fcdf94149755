/** Timers for many items with few system timers: items of the same twentieth of a second share one. */
export interface Alarms<T> {
  /** Calls `ring` with the item and the returned number, which is never 0, after `ms` or up to 50 ms later. */
  set(item: T, ms: number): number;
  /** Calls `ring` no more. */
  close(): void;
}

const STEP_MS = 50;

/**
 * A system timer for each of a hundred thousand items would take as much memory as they do. An alarm can't be
 * cancelled: a caller that sets a new one compares the numbers.
 */
export function createAlarms<T>(ring: (item: T, alarm: number) => void): Alarms<T> {
  const due = new Map<number, { items: T[]; timer: NodeJS.Timeout }>();

  function fire(alarm: number): void {
    const { items = [] } = due.get(alarm) ?? {};
    due.delete(alarm);
    for (const item of items) ring(item, alarm);
  }

  return {
    set(item, ms) {
      const now = performance.now();
      const alarm = Math.ceil((now + Math.max(1, ms)) / STEP_MS);
      const known = due.get(alarm);
      if (known === undefined) {
        const timer = setTimeout(fire, alarm * STEP_MS - now, alarm);
        due.set(alarm, { items: [item], timer });
      } else {
        known.items.push(item);
      }
      return alarm;
    },
    close() {
      for (const { timer } of due.values()) clearTimeout(timer);
      due.clear();
    },
  };
}
