// Fields that the owner of an object leaves to others (Flux's ignore rules). A difference in such a field is no reason to
// apply, and an apply for another reason leaves the field as it is.
import type { KubeObject } from '@weir/kube';
import { jsonEqual } from './equal.ts';
import { isForeign, type ManagerRule } from './field-managers.ts';
import { type Fields, fieldsOf } from './managed-fields.ts';
import { removeAt, replaceAt, stepsOf, valueAt } from './pointer.ts';

/** The object without the fields that the JSON pointers name; the object itself if there are none. */
export function withoutFields(object: KubeObject, pointers: readonly string[]): KubeObject {
  if (pointers.length === 0) return object;
  const rest = structuredClone(object);
  for (const pointer of pointers) removeAt(rest, stepsOf(pointer));
  return rest;
}

export interface ExemptionContext {
  live: KubeObject;
  /** The answer to the dry-run of `object` as it was declared. */
  merged: KubeObject;
  fieldManager: string;
  /** Managers whose fields are taken over before the apply. What they own doesn't count as owned by others. */
  rules: readonly ManagerRule[];
}

/**
 * What to apply so that exempt fields stay as they are. A field that the apply would change is left out
 * where another manager applies it too, and otherwise carries the value that it has: left out, it would
 * be gone from the object.
 */
export function withExemptions(
  object: KubeObject,
  pointers: readonly string[],
  { live, merged, fieldManager, rules }: ExemptionContext,
): KubeObject {
  const others = (live.metadata.managedFields ?? []).filter(
    (entry) =>
      entry.operation === 'Apply' &&
      (entry.subresource ?? '') === '' &&
      entry.manager !== fieldManager &&
      !isForeign(entry, rules),
  );
  const fields = others.map(fieldsOf);
  const payload = structuredClone(object);
  const left: string[][] = [];
  for (const steps of pointers.map(stepsOf)) {
    const value = valueAt(live, steps);
    if (jsonEqual(value, valueAt(merged, steps))) continue;
    if (value === undefined || fields.some((entry) => covers(entry, live, steps))) left.push(steps);
    else replaceAt(payload, steps, structuredClone(value));
  }
  // The last items of a list are removed first, so that the indexes of the others stay right.
  for (const steps of left.sort(byPlace)) removeAt(payload, steps);
  return payload;
}

/** Whether the set of fields contains the field to which the steps lead in this object. */
function covers(fields: Fields, object: KubeObject, steps: readonly string[]): boolean {
  let node: Fields | undefined = fields;
  for (const [index, step] of steps.entries()) {
    const parent = valueAt(object, steps.slice(0, index));
    node = Array.isArray(parent) ? itemOf(node, parent[Number(step)]) : node[`f:${step}`];
    if (node === undefined) return false;
  }
  return steps.length > 0;
}

/** Items of a list are known by their keys: `k:{"name":"web"}`. */
function itemOf(node: Fields, item: unknown): Fields | undefined {
  const found = Object.entries(node).find(([key]) => {
    if (!key.startsWith('k:')) return false;
    const keys = JSON.parse(key.slice(2)) as Record<string, unknown>;
    return Object.entries(keys).every(([name, value]) => jsonEqual(valueAt(item, [name]), value));
  });
  return found?.[1];
}

function byPlace(a: string[], b: string[]): number {
  return b.join('/').localeCompare(a.join('/'), 'en', { numeric: true });
}
