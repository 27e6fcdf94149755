/** Wakes many things at their times, with few timers: those of the same twentieth of a second share one. */
export interface Alarms<T> {
  /** After `ms`, or up to 50 ms later, `ring` gets the item and the number that this returns, which is never 0. */
  set(item: T, ms: number): number;
  /** Rings no more. */
  close(): void;
}

const STEP_MS = 50;

/**
 * A timer of its own for each of a hundred thousand things would take as much memory as they do. An alarm can't be taken
 * back: whoever sets a new one knows by the number which counts.
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
