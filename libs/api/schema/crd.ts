// Makes CustomResourceDefinitions from the kinds. Each schema becomes a structural OpenAPI v3 schema, which is JSON
// Schema without the parts that Kubernetes does not allow.
import type { KubeObject } from '@weir/kube';
import type { TSchema } from 'typebox';
import { stringify } from 'yaml';
import { SUBSTITUTE } from '../annotations.ts';
import type { Column, Kind, KindVersion } from './kind.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * The definition of one kind. Objects are stored in the kind's version; the older versions are served too, without
 * conversion.
 */
export function crdFor(kind: Kind): KubeObject {
  const { group, plural, singular, shortNames, categories, listKind } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // A Kustomization that substitutes variables must leave the definition unchanged when it applies it.
      annotations: { [SUBSTITUTE]: 'disabled' },
    },
    spec: {
      group,
      names: {
        kind: kind.kind,
        listKind,
        plural,
        singular,
        ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
        categories: [...categories],
      },
      scope: 'Namespaced',
      versions: [
        { ...servedVersion(kind, kind), storage: true },
        ...kind.olderVersions.map((older) => ({
          ...servedVersion(kind, older),
          storage: false,
          deprecated: true,
          deprecationWarning: `${older.version} ${kind.kind} is deprecated, upgrade to ${kind.version}`,
        })),
      ],
    },
  };
}

/** The definition of a kind as YAML; the same kind always gives the same bytes. */
export function crdYaml(kind: Kind): string {
  return stringify(crdFor(kind), { lineWidth: 100, aliasDuplicateObjects: false });
}

function servedVersion(kind: Kind, { version, schema }: KindVersion) {
  return {
    name: version,
    served: true,
    additionalPrinterColumns: kind.columns.map(printerColumn),
    subresources: kind.hasStatus ? { status: {} } : {},
    schema: { openAPIV3Schema: structural(schema) },
  };
}

function printerColumn({ name, type, jsonPath, priority }: Column) {
  return { name, type, jsonPath, ...(priority !== undefined && { priority }) };
}

/** Keywords that mean the same in JSON Schema and in a structural schema, in the order in which they are written. */
const SHARED_KEYWORDS = [
  'description',
  'type',
  'format',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'default',
  'required',
  'x-kubernetes-validations',
  'x-kubernetes-preserve-unknown-fields',
];
const NESTED_KEYWORDS = ['properties', 'patternProperties', 'items'];

/** Throws on a keyword that a CRD can't have, so that no constraint is lost. */
export function structural(schema: TSchema): { [key: string]: Json } {
  const source = new Map<string, unknown>(Object.entries(schema));
  // Only metadata has this keyword, and in a CRD it is the default.
  if (source.get('additionalProperties') === true) source.delete('additionalProperties');
  for (const keyword of source.keys()) {
    if (!SHARED_KEYWORDS.includes(keyword) && !NESTED_KEYWORDS.includes(keyword)) {
      throw new Error(`The schema keyword "${keyword}" has no counterpart in a CRD`);
    }
  }
  const shared = SHARED_KEYWORDS.flatMap((keyword) =>
    source.has(keyword) ? [[keyword, plainJson(source.get(keyword))] as const] : [],
  );
  return { ...Object.fromEntries(shared), ...nested(source) };
}

function nested(source: ReadonlyMap<string, unknown>): { [key: string]: Json } {
  const properties = Object.entries(schemas(source.get('properties')));
  const [values] = Object.values(schemas(source.get('patternProperties')));
  const items = source.get('items');
  return {
    ...(values && { additionalProperties: structural(values) }),
    ...(isSchema(items) && { items: structural(items) }),
    ...(properties.length > 0 && {
      properties: Object.fromEntries(properties.map(([name, inner]) => [name, structural(inner)])),
    }),
  };
}

function schemas(value: unknown): Record<string, TSchema> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, inner]) => isSchema(inner)));
}

function isSchema(value: unknown): value is TSchema {
  return typeof value === 'object' && value !== null;
}

/** Copies a keyword's value into plain JSON. The order of lists is kept. */
function plainJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value));
}
