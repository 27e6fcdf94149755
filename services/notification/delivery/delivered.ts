/** Remembers which alert has got which event, so that a retry for one doesn't repeat the others. */
export interface Delivered {
  has(event: string, alert: string): boolean;
  add(event: string, alert: string): void;
  /** Nothing of this event is outstanding any more. */
  forget(event: string): void;
}

/**
 * Kept in memory and bounded by events: after a restart, or on another replica, an event of which
 * some alerts are outstanding reaches all of them again. That is what "at least once" allows.
 */
export function createDelivered(maxEvents = 10_000): Delivered {
  const events = new Map<string, Set<string>>();
  return {
    has: (event, alert) => events.get(event)?.has(alert) ?? false,
    add(event, alert) {
      const alerts = events.get(event) ?? new Set<string>();
      events.set(event, alerts.add(alert));
      if (events.size <= maxEvents) return;
      const [oldest] = events.keys();
      if (oldest !== undefined) events.delete(oldest);
    },
    forget: (event) => void events.delete(event),
  };
}
