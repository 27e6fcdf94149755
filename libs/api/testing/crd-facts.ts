// The facts of a CustomResourceDefinition as lines of testdata/flux-crd-fields.tsv: group/version, kind,
// field, type, constraints. Written from the YAML alone, so that it judges what users apply.
import { parse } from 'yaml';

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
  [keyword: string]: unknown;
}

export interface Definition {
  metadata: { name: string; annotations: Record<string, string> };
  spec: {
    group: string;
    scope: string;
    names: Record<string, string> & { shortNames?: string[]; categories: string[] };
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      deprecated?: boolean;
      deprecationWarning?: string;
      subresources: object;
      additionalPrinterColumns: {
        name: string;
        type: string;
        jsonPath: string;
        priority?: number;
      }[];
      schema: { openAPIV3Schema: Schema };
    }[];
  };
}

/** The order in which the lines list constraints. */
const CONSTRAINTS = [
  'enum',
  'default',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'format',
  'minItems',
  'maxItems',
] as const;

export function parseDefinition(yaml: string): Definition {
  return parse(yaml);
}

/** All lines of a definition, sorted. */
export function crdFacts(definition: Definition): string[] {
  const { group, names, scope, versions } = definition.spec;
  return versions
    .flatMap((version) => {
      const line = (...cells: string[]) =>
        [`${group}/${version.name}`, names.kind, ...cells].join('\t');
      const { spec, status } = version.schema.openAPIV3Schema.properties ?? {};
      const subresources = Object.keys(version.subresources).join(',');
      const storage = `${version.storage ? 'True' : 'False'}${version.deprecated ? ' deprecated' : ''}`;
      return [
        line(
          '(names)',
          '',
          `plural=${names.plural} short=${names.shortNames?.join(',') ?? ''} scope=${scope} storage=${storage} subresources=${subresources}`,
        ),
        ...version.additionalPrinterColumns.map((column) =>
          line(`(column) ${column.name}`, column.type, column.jsonPath),
        ),
        ...(spec ? fields('spec', spec, false) : []).map((cells) => line(...cells)),
        ...(status ? fields('status', status, false) : []).map((cells) => line(...cells)),
      ];
    })
    .sort();
}

function fields(path: string, schema: Schema, required: boolean): string[][] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    fields(`${path}.${name}`, property, schema.required?.includes(name) ?? false),
  );
  const items = schema.items ? fields(`${path}[]`, schema.items, false) : [];
  const values = schema.additionalProperties
    ? fields(`${path}{}`, schema.additionalProperties, false)
    : [];
  return [
    [path, schema.type ?? 'any', constraints(schema, required)],
    ...inner,
    ...items,
    ...values,
  ];
}

function constraints(schema: Schema, required: boolean): string {
  const given = CONSTRAINTS.filter((keyword) => schema[keyword] !== undefined);
  return [
    ...(required ? ['required'] : []),
    ...(schema['x-kubernetes-preserve-unknown-fields'] ? ['preserve-unknown'] : []),
    ...given.map((keyword) => `${keyword}=${json(schema[keyword])}`),
    ...(schema['x-kubernetes-validations'] ?? []).map(({ rule }) => `cel=${rule}`),
  ].join(' ');
}

/** JSON with a space after commas and colons, as the lines have it. */
function json(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(json).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}: ${json(inner)}`,
  );
  return `{${pairs.join(', ')}}`;
}

/** Every schema below and including `schema`, each with its path. */
export function* allSchemas(schema: Schema, path = ''): Generator<[string, Schema]> {
  yield [path, schema];
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    yield* allSchemas(inner, `${path}.${name}`);
  }
  if (schema.items) yield* allSchemas(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* allSchemas(schema.additionalProperties, `${path}{}`);
}
