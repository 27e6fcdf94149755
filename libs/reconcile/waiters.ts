// Which objects of a kind wait for a change elsewhere in the cluster, so that this change wakes them at once.

/** Keys are `<namespace>/<name>`. An object waits for one thing at a time. */
export interface Waiters {
  /** It waits for one of its dependencies to change. */
  forDependency(key: string): void;
  /** It waits for a kind of this API group to be served. */
  forGroup(key: string, group: string): void;
  /** It runs again and waits for nothing. */
  done(key: string): void;
  waitsForDependency(key: string): boolean;
  /** Definitions of the group changed: returns those that wait for one of its kinds. */
  definitionsChanged(group: string): string[];
  /** Whether definitions of the group changed a moment ago: their kinds may be served any time now. */
  isComing(group: string): boolean;
  /** True when this is the first event with this text about a wait with this revision, since `forget`. */
  isFirstEvent(key: string, revision: string, text: string): boolean;
  /** What it waited for is there, or it is gone itself. */
  forget(key: string): void;
}

/** How long an established definition may take until its kind is served everywhere. */
const COMING_MS = 30_000;

export function createWaiters(now: () => number = () => performance.now()): Waiters {
  const dependents = new Set<string>();
  const groups = new Map<string, string>();
  const changedAt = new Map<string, number>();
  const published = new Map<string, { revision: string; texts: Set<string> }>();

  function done(key: string): void {
    dependents.delete(key);
    groups.delete(key);
  }

  return {
    forDependency: (key) => dependents.add(key),
    forGroup: (key, group) => groups.set(key, group),
    done,
    waitsForDependency: (key) => dependents.has(key),
    definitionsChanged(group) {
      changedAt.set(group, now());
      return [...groups].flatMap(([key, awaited]) => (awaited === group ? key : []));
    },
    isComing: (group) => now() - (changedAt.get(group) ?? Number.NEGATIVE_INFINITY) < COMING_MS,
    isFirstEvent(key, revision, text) {
      const before = published.get(key);
      const texts = before?.revision === revision ? before.texts : new Set<string>();
      const isFirst = !texts.has(text);
      published.set(key, { revision, texts: texts.add(text) });
      return isFirst;
    },
    forget(key) {
      done(key);
      published.delete(key);
    },
  };
}
