// The values of a release by path, each with its origin.
import type { HelmRelease } from '@weir/api';
import type { HelmValuesResult, ValuesText } from '@weir/render';
import { isSecretOrigin } from '../values/values.ts';
import type { Mask } from './mask.ts';

export interface NamedValue {
  /** As templates write it: `image.tag`, `hosts[0]`. */
  path: string;
  /** As JSON; masked where it comes from a Secret. */
  value: string;
  /** `spec.values`, `ConfigMap/<name> <key>`, `Secret/<name> <key>`, or `chart` for the chart's own values. */
  origin: string;
}

/** The origin of a value that no known layer has set. */
const UNKNOWN = 'unknown';

/** All values that templates see. `masked` replaces those that come from Secrets. */
export function namedValues(
  { values, all, origins }: HelmValuesResult,
  mask: Mask,
  masked: string,
): NamedValue[] {
  return leavesOf(JSON.parse(all ?? values)).map(({ pointer, path, value }) => {
    const origin = origins[pointer] ?? UNKNOWN;
    const shown = isSecretOrigin(origin) ? masked : JSON.stringify(mask.value(value));
    return { path: mask.text(path), value: shown, origin };
  });
}

/**
 * Values that come from Secrets, as text. The origins of the deployed version's values are not stored, so these values
 * count as secret at the same paths, and at paths that the new values lack.
 */
export function secretValues(
  { spec }: HelmRelease,
  { values, origins }: HelmValuesResult,
  deployed: ValuesText | undefined,
): Set<string> {
  const secrets = new Set<string>();
  const hasSecrets = (spec.valuesFrom ?? []).some(({ kind }) => kind === 'Secret');
  for (const { pointer, value } of leavesOf(JSON.parse(values))) {
    const origin = origins[pointer];
    if (origin === undefined ? hasSecrets : isSecretOrigin(origin)) add(secrets, value);
  }
  for (const { pointer, value } of leavesOf(JSON.parse(deployed ?? '{}'))) {
    const origin = origins[pointer];
    if (origin === undefined || isSecretOrigin(origin)) add(secrets, value);
  }
  return secrets;
}

/** Booleans and nulls are no secrets. */
function add(secrets: Set<string>, value: unknown): void {
  if (typeof value === 'string' || typeof value === 'number') secrets.add(String(value));
}

interface Leaf {
  /** A JSON pointer (RFC 6901), as the origins have it. */
  pointer: string;
  path: string;
  value: unknown;
}

/** Every value that is not a map or list with contents. */
function leavesOf(value: unknown, pointer = '', path = ''): Leaf[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item, index) =>
      leavesOf(item, `${pointer}/${index}`, `${path}[${index}]`),
    );
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    return pointer === '' ? [] : [{ pointer, path, value }];
  }
  return Object.entries(value).flatMap(([key, inner]) => {
    const token = key.replaceAll('~', '~0').replaceAll('/', '~1');
    return leavesOf(inner, `${pointer}/${token}`, path === '' ? key : `${path}.${key}`);
  });
}
