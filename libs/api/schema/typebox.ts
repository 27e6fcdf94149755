// Schemas as TypeBox makes them, without its code: a service needs its types only, and pays 8 MB of memory for
// the rest. They are JSON Schema with TypeBox's marks, which its types name and its validator looks for.
import type { TOptional, TRefine, TSchema } from 'typebox';

interface Marks {
  '~kind'?: string;
  '~optional'?: true;
  '~refine'?: TRefine['~refine'];
}

/** JSON Schema of a kind of TypeBox's. */
export function schemaOf<Schema extends TSchema & { '~kind': string }>(
  kind: Schema['~kind'],
  json: object,
): Schema {
  return marked<Schema>({ ...json }, { '~kind': kind });
}

/** A copy that an object may lack. */
export function optional<Schema extends TSchema>(schema: Schema): TOptional<Schema> {
  return marked<TOptional<Schema>>(copyOf(schema), { '~optional': true });
}

export function isOptional(schema: TSchema): boolean {
  return '~optional' in schema;
}

/** A copy whose values have to pass one more check. */
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

/** Marks are no part of the JSON: they don't show when properties are listed. */
function marked<Schema>(json: object, marks: Marks): Schema {
  const hidden = Object.entries(marks).map(([name, value]) => [
    name,
    { value, configurable: true },
  ]);
  return Object.defineProperties(json, Object.fromEntries(hidden)) as Schema;
}
