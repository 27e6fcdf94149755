/** Whether a value has at least the fields of `part`. A `null` in `part` means that the field must be absent. */
export function contains(value: unknown, part: unknown): boolean {
  if (part === null) return value === undefined || value === null;
  if (typeof part !== 'object') return value === part;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(part).every(([key, expected]) =>
    contains((value as Record<string, unknown>)[key], expected),
  );
}
