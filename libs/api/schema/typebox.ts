// Makes schemas as TypeBox does, but without loading its code: a service needs only TypeBox's types, and the code would
// take 8 MB of memory. The results are JSON Schema with the markers that TypeBox's types and validator expect.
import type { TOptional, TRefine, TSchema } from 'typebox';

interface Marks {
  '~kind'?: string;
  '~optional'?: true;
  '~refine'?: TRefine['~refine'];
}

/** The JSON Schema of a TypeBox kind. */
export function schemaOf<Schema extends TSchema & { '~kind': string }>(
  kind: Schema['~kind'],
  json: object,
): Schema {
  return marked<Schema>({ ...json }, { '~kind': kind });
}

/** Returns a copy of the schema for a property that may be missing. */
export function optional<Schema extends TSchema>(schema: Schema): TOptional<Schema> {
  return marked<TOptional<Schema>>(copyOf(schema), { '~optional': true });
}

export function isOptional(schema: TSchema): boolean {
  return '~optional' in schema;
}

/** Returns a copy of the schema whose values have to pass one more check. */
export function refined<Schema extends TSchema>(
  schema: Schema,
  check: (value: unknown) => boolean,
  message: string,
): Schema {
  const before = (schema as Marks)['~refine'] ?? [];
  return marked<Schema>(copyOf(schema), {
    '~refine': [...before, { check, error: () => message }],
  });
}

function copyOf(schema: TSchema): object {
  return Object.defineProperties({}, Object.getOwnPropertyDescriptors(schema));
}

/** Markers are not enumerable, so that they don't appear in JSON. */
function marked<Schema>(json: object, marks: Marks): Schema {
  const hidden = Object.entries(marks).map(([name, value]) => [
    name,
    { value, configurable: true },
  ]);
  return Object.defineProperties(json, Object.fromEntries(hidden)) as Schema;
}
