// Compares an object in the cluster with its template, so that nothing is sent when they are the same.
import { isDeepStrictEqual } from 'node:util';
import { HelmChart, type Kind, OCIRepository } from '@weir/api';
import type { KubeObject } from '@weir/kube';

type Wanted = KubeObject & { spec: object };

/** `more`: the object has labels or annotations that the template doesn't name, of others or of an earlier template. */
export function compareWanted(live: KubeObject, wanted: Wanted): 'same' | 'more' | 'different' {
  const spec = withDefaults(wanted);
  if (!isDeepStrictEqual(live.spec, spec)) return 'different';
  const compared = (['labels', 'annotations'] as const).map((field) =>
    compareMaps(live.metadata[field], wanted.metadata[field]),
  );
  if (compared.includes('different')) return 'different';
  return compared.includes('more') ? 'more' : 'same';
}

function compareMaps(
  live: Record<string, string> = {},
  wanted: Record<string, string> = {},
): 'same' | 'more' | 'different' {
  const has = Object.entries(wanted).every(([key, value]) => live[key] === value);
  if (!has) return 'different';
  return Object.keys(live).length === Object.keys(wanted).length ? 'same' : 'more';
}

/** Adds the defaults that the API server fills in at the top of a spec, and in a verification. */
function withDefaults({ kind, spec }: Wanted): object {
  const schema = schemaOf(kind === 'HelmChart' ? HelmChart : OCIRepository, 'spec');
  const filled = { ...defaultsOf(schema), ...spec };
  if (!('verify' in filled) || typeof filled.verify !== 'object') return filled;
  return { ...filled, verify: { ...defaultsOf(propertyOf(schema, 'verify')), ...filled.verify } };
}

function defaultsOf(schema: unknown): Record<string, unknown> {
  const { properties = {} } = schema as { properties?: Record<string, { default?: unknown }> };
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, property]) =>
      property.default === undefined ? [] : [[name, property.default]],
    ),
  );
}

function schemaOf(kind: Kind, property: string): unknown {
  return propertyOf(kind.schema, property);
}

function propertyOf(schema: unknown, name: string): unknown {
  return (schema as { properties?: Record<string, unknown> }).properties?.[name] ?? {};
}
