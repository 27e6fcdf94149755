// Records which objects of a kind wait for a change elsewhere in the cluster, so that this change starts a run at once.

/** Keys are `<namespace>/<name>`. An object waits for one thing at a time. */
export interface Waiters {
  /** The object waits for a change of one of its dependencies. */
  forDependency(key: string): void;
  /** The object waits for a kind of this API group to be served. */
  forGroup(key: string, group: string): void;
  /** The object runs again and waits for nothing. */
  done(key: string): void;
  waitsForDependency(key: string): boolean;
  /** Definitions of the group changed: returns the objects that wait for one of its kinds. */
  definitionsChanged(group: string): string[];
  /** Whether definitions of the group changed a moment ago, so that their kinds may be served at any time. */
  isComing(group: string): boolean;
  /** True for the first event with this text about a wait with this revision, since `forget`. */
  isFirstEvent(key: string, revision: string, text: string): boolean;
  /** The object no longer waits, or it is gone. */
  forget(key: string): void;
}

/** The longest time from an established definition until its kind is served everywhere. Milliseconds. */
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
