// JSON pointers (RFC 6901) into objects of the cluster.

/** The steps of a pointer, unescaped; none for one that doesn't begin with a slash. */
export function stepsOf(pointer: string): string[] {
  if (!pointer.startsWith('/')) return [];
  const steps = pointer.slice(1).split('/');
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value to which the steps lead, or undefined. Values of the cluster are never undefined themselves. */
export function valueAt(value: unknown, steps: readonly string[]): unknown {
  return steps.reduce((parent, step) => child(parent, step), value);
}

/** Removes the value to which the steps lead, if there is one. The later items of a list move up. */
export function removeAt(value: unknown, steps: readonly string[]): void {
  const [last, parent] = lastStep(value, steps);
  if (last === undefined || child(parent, last) === undefined) return;
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Record<string, unknown>)[last];
}

/** Sets the value to which the steps lead. It does nothing where the parent of that value doesn't exist. */
export function replaceAt(value: unknown, steps: readonly string[], next: unknown): void {
  const [last, parent] = lastStep(value, steps);
  if (last === undefined) return;
  if (Array.isArray(parent)) {
    if (child(parent, last) !== undefined) parent[Number(last)] = next;
  } else if (typeof parent === 'object' && parent !== null) {
    Object.defineProperty(parent, last, {
      value: next,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}

function lastStep(value: unknown, steps: readonly string[]): [string | undefined, unknown] {
  return [steps.at(-1), valueAt(value, steps.slice(0, -1))];
}

function child(parent: unknown, step: string): unknown {
  if (Array.isArray(parent)) return /^\d+$/.test(step) ? parent[Number(step)] : undefined;
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, step))
    return undefined;
  return (parent as Record<string, unknown>)[step];
}
