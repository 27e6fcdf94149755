// Which Kustomizations wait for something that will be announced, so that it wakes them at once.

/** Keys are `<namespace>/<name>`. A Kustomization waits for one thing at a time. */
export interface Waiting {
  /** For one of its dependencies to change. */
  forDependency(key: string): void;
  /** For a kind of this API group to be served. */
  forGroup(key: string, group: string): void;
  /** It runs again and waits no more. */
  done(key: string): void;
  waitsForDependency(key: string): boolean;
  /** Definitions of the group changed: returns those that wait for one of its kinds. */
  announce(group: string): string[];
  /** Whether definitions of the group changed a moment ago: their kinds may be served any time now. */
  isComing(group: string): boolean;
}

/** How long an established definition may take until its kind is served everywhere. */
const COMING_MS = 30_000;

export function createWaiting(now: () => number = () => performance.now()): Waiting {
  const dependencies = new Set<string>();
  const groups = new Map<string, string>();
  const announced = new Map<string, number>();
  return {
    forDependency: (key) => dependencies.add(key),
    forGroup: (key, group) => groups.set(key, group),
    done(key) {
      dependencies.delete(key);
      groups.delete(key);
    },
    waitsForDependency: (key) => dependencies.has(key),
    announce(group) {
      announced.set(group, now());
      return [...groups].flatMap(([key, of]) => (of === group ? key : []));
    },
    isComing: (group) => now() - (announced.get(group) ?? Number.NEGATIVE_INFINITY) < COMING_MS,
  };
}
