// Finds objects that wait for each other in a loop. Without that, each of them would only report that another one is
// not ready.
import { objectKey } from '@weir/kube';
import { type Dependent, dependencyKeys } from './references.ts';

/**
 * The first loop of `dependsOn` that can be reached from an object, even if the object is not part of it: keys
 * (`<namespace>/<name>`) in the order of their references, the first one again at the end.
 */
export function findLoop(
  from: Dependent,
  find: (key: string) => Dependent | undefined,
): string[] | undefined {
  const start = objectKey(from);
  const cleared = new Set<string>();
  // The search has a stack of its own, because a chain may be longer than the call stack.
  const path: { key: string; left: string[] }[] = [{ key: start, left: dependencyKeys(from) }];
  const depth = new Map([[start, 0]]);
  for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
    const key = last.left.shift();
    if (key === undefined) {
      cleared.add(last.key);
      depth.delete(last.key);
      path.pop();
      continue;
    }
    const at = depth.get(key);
    if (at !== undefined) return [...path.slice(at).map((step) => step.key), key];
    const next = cleared.has(key) ? undefined : find(key);
    if (next === undefined) continue;
    depth.set(key, path.length);
    path.push({ key, left: dependencyKeys(next) });
  }
  return undefined;
}

/** The message about a loop: which objects wait for which, and how to end it. */
export function describeLoop(loop: readonly string[]): string {
  return `dependency loop ${loop.join(' -> ')}: remove one of these from dependsOn`;
}
