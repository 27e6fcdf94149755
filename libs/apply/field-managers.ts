// Takes over fields of our objects from kubectl, and from other managers that the operator names. The next apply then
// undoes manual changes, and removes what was added by hand.
import type { KubeObject, ManagedFields } from '@weir/kube';
import { appliedEntry, fieldsOf, unionFields } from './managed-fields.ts';

export interface ManagerRule {
  /** Matches every manager whose name starts with it. */
  prefix: string;
  operation: 'Apply' | 'Update';
}

/** An operation of a JSON patch (RFC 6902). */
export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace';
  path: string;
  value?: unknown;
}

/** Annotations and labels that a takeover removes. */
const ANNOTATIONS = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'kustomize.toolkit.fluxcd.io/checksum',
  'fluxcd.io/sync-checksum',
];
const LABELS = ['fluxcd.io/sync-gc-mark'];

/** The managers that Flux takes over from, and those that `--override-manager` adds. */
export function managerRules(fieldManager: string, more: readonly string[] = []): ManagerRule[] {
  return [
    { prefix: 'kubectl', operation: 'Apply' },
    { prefix: 'kubectl', operation: 'Update' },
    { prefix: 'before-first-apply', operation: 'Update' },
    { prefix: fieldManager, operation: 'Update' },
    ...overrideRules(more),
  ];
}

/** Only the managers of `--override-manager`: for Helm's objects Flux takes over from no others. */
export function overrideRules(prefixes: readonly string[]): ManagerRule[] {
  return prefixes.flatMap((prefix): ManagerRule[] => [
    { prefix, operation: 'Apply' },
    { prefix, operation: 'Update' },
  ]);
}

/** Whether the entry is one whose fields are taken over. */
export function isForeign(entry: ManagedFields, rules: readonly ManagerRule[]): boolean {
  if ((entry.subresource ?? '') !== '') return false;
  return rules.some(
    ({ prefix, operation }) =>
      entry.operation === operation && (entry.manager ?? '').startsWith(prefix),
  );
}

/**
 * The JSON patch that hands fields of foreign managers to `fieldManager` and removes kubectl's
 * annotation; empty when there is nothing to take. It names the resourceVersion it was made for, so
 * that it conflicts instead of overwriting a newer record.
 */
export function takeover(
  live: KubeObject,
  fieldManager: string,
  rules: readonly ManagerRule[],
): JsonPatchOperation[] {
  const { annotations = {}, labels = {} } = live.metadata;
  return guarded(live, [
    ...removals('annotations', annotations, ANNOTATIONS),
    ...removals('labels', labels, LABELS),
    ...handover(live, fieldManager, (entry) => isForeign(entry, rules)),
  ]);
}

/** The same as `takeover`, but it changes only who owns the fields: annotations and labels stay. */
export function fieldsTakeover(
  live: KubeObject,
  fieldManager: string,
  rules: readonly ManagerRule[],
): JsonPatchOperation[] {
  return guarded(
    live,
    handover(live, fieldManager, (entry) => isForeign(entry, rules)),
  );
}

/**
 * The JSON patch that hands the fields which `fieldManager` wrote by updates to its server-side apply; empty when there
 * are none. Helm does this once to an object that it applied on the client side before (client-go's csaupgrade).
 */
export function fromUpdatesToApply(live: KubeObject, fieldManager: string): JsonPatchOperation[] {
  const isOwn = (entry: ManagedFields) =>
    entry.manager === fieldManager && isForeign(entry, [{ prefix: '', operation: 'Update' }]);
  return guarded(live, handover(live, fieldManager, isOwn));
}

/** Adds the version for which the operations were made, so that the patch conflicts with a newer version. */
function guarded(live: KubeObject, operations: JsonPatchOperation[]): JsonPatchOperation[] {
  const { resourceVersion } = live.metadata;
  if (operations.length === 0 || resourceVersion === undefined) return operations;
  return [
    ...operations,
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
  ];
}

/** The JSON patch after which all entries of managedFields have this `apiVersion`; empty when they have it already. */
export function migration(live: KubeObject, apiVersion: string): JsonPatchOperation[] {
  const { managedFields = [] } = live.metadata;
  if (managedFields.every((entry) => entry.apiVersion === apiVersion)) return [];
  const value = managedFields.map((entry) => ({ ...entry, apiVersion }));
  return guarded(live, [{ op: 'replace', path: '/metadata/managedFields', value }]);
}

/** Replaces the record of fields so that those of the entries that `isTaken` picks belong to `fieldManager`'s applies. */
function handover(
  live: KubeObject,
  fieldManager: string,
  isTaken: (entry: ManagedFields) => boolean,
): JsonPatchOperation[] {
  const own = appliedEntry(live, fieldManager);
  const others = (live.metadata.managedFields ?? []).filter((entry) => entry !== own);
  const taken = others.filter(isTaken);
  const [first] = taken;
  if (first === undefined) return [];
  const fieldsV1 = [own, ...taken].map(fieldsOf).reduce(unionFields);
  const heir: ManagedFields = own ?? { ...first, manager: fieldManager, operation: 'Apply' };
  const value = [...others.filter((entry) => !taken.includes(entry)), { ...heir, fieldsV1 }];
  return [{ op: 'replace', path: '/metadata/managedFields', value }];
}

function removals(
  field: string,
  present: Record<string, string>,
  keys: readonly string[],
): JsonPatchOperation[] {
  return keys
    .filter((key) => Object.hasOwn(present, key))
    .map((key) => ({
      op: 'remove',
      path: `/metadata/${field}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    }));
}
