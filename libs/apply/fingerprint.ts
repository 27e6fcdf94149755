// A short digest of everything in an object that must stay as we applied it.
import { hash } from 'node:crypto';
import type { KubeObject } from '@weir/kube';
import { isForeign, type ManagerRule } from './field-managers.ts';
import type { Owner } from './labels.ts';
import { writtenEntries } from './managed-fields.ts';
import { isMarked } from './objects.ts';

/**
 * A digest of the metadata that changes exactly when something that we applied changes. It covers the fields that we
 * own (a manager that sets one of them takes it away from us), the time of the last write by our field manager, the
 * values of our labels and annotations, and the managers that must not be on the object at all. It doesn't cover
 * resourceVersion, generation and fields of others. The metadata suffices to compute it. `operations` are the
 * operations by which we write: Helm's client-side apply is an update.
 */
export function fingerprint(
  object: KubeObject,
  owner: Pick<Owner, 'fieldManager' | 'group'>,
  rules: readonly ManagerRule[],
  operations: readonly ('Apply' | 'Update')[] = ['Apply'],
): string {
  const { labels = {}, annotations = {}, managedFields = [] } = object.metadata;
  const own = writtenEntries(object, owner.fieldManager, operations);
  const shared = isMarked(object, { [`${owner.group}/ssa`]: 'Merge' });
  const foreign = shared ? [] : managedFields.filter((entry) => isForeign(entry, rules));
  const facts = [
    own.map(({ apiVersion, time, fieldsV1 }) => [
      apiVersion,
      time,
      canonical(fieldsV1),
      pick(labels, ownedKeys(fieldsV1, 'f:labels')),
      pick(annotations, ownedKeys(fieldsV1, 'f:annotations')),
    ]),
    foreign.map(({ manager, operation }) => `${manager} ${operation}`).sort(),
    // The API server stores `stringData` as `data` and records no owner for it, so any new version may be a change of ours.
    ...(own.some(({ fieldsV1 }) => 'f:stringData' in (fieldsV1 ?? {}))
      ? [object.metadata.resourceVersion]
      : []),
  ];
  return hash('sha1', JSON.stringify(facts), 'base64');
}

/** The managers whose fields we would take over: those that made a manual change. */
export function foreignManagers(object: KubeObject, rules: readonly ManagerRule[]): string[] {
  const entries = (object.metadata.managedFields ?? []).filter((entry) => isForeign(entry, rules));
  return [...new Set(entries.flatMap(({ manager }) => manager ?? []))].sort();
}

function ownedKeys(fields: unknown, place: 'f:labels' | 'f:annotations'): string[] {
  const owned = step(step(fields, 'f:metadata'), place);
  return Object.keys(owned)
    .filter((key) => key.startsWith('f:'))
    .map((key) => key.slice(2));
}

function step(fields: unknown, name: string): Record<string, unknown> {
  const next = (fields as Record<string, unknown> | undefined)?.[name];
  return (next ?? {}) as Record<string, unknown>;
}

function pick(values: Record<string, string>, keys: string[]): (string | undefined)[][] {
  return keys.sort().map((key) => [key, values[key]]);
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value ?? {}, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
