/** Whether a value has at least what `part` has; a `null` in it asks for nothing to be there. */
export function contains(value: unknown, part: unknown): boolean {
  if (part === null) return value === undefined || value === null;
  if (typeof part !== 'object') return value === part;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(part).every(([key, expected]) =>
    contains((value as Record<string, unknown>)[key], expected),
  );
}
