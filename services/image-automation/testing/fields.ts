// The fields of a schema, and those that an object sets, for tests that hold each field to a case.

export interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** The paths of all fields of a schema, in the form `a.b.c`; items of lists count as their list. */
export function fieldsOf({ properties = {}, items }: Schema, path: string): string[] {
  const below = Object.entries(properties).flatMap(([name, schema]) => {
    const field = `${path}.${name}`;
    return [field, ...fieldsOf(schema, field)];
  });
  return [...below, ...(items === undefined ? [] : fieldsOf(items, path))];
}

/** The paths of all fields that a value sets. */
export function setBy(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => setBy(item, path))];
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, item]) => setBy(item, `${path}.${name}`))];
}
