// The list of the objects that a Kustomization has applied (`status.inventory`), with ids in Flux's format, so that
// either can take over from the other.
import type { InventoryEntry } from '@weir/api';
import { type ObjectId, type ObjectTarget, subjectOf } from './objects.ts';
import { compareIds } from './stages.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const RBAC_KINDS = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding']);

/**
 * `<namespace>_<name>_<group>_<kind>`. RBAC names may hold a colon, written as two underscores; no
 * other Kubernetes name holds an underscore. Format of cli-utils' object metadata.
 */
export function inventoryId({ namespace, name, group, kind }: ObjectId): string {
  const isRbac = group === RBAC_GROUP && RBAC_KINDS.has(kind);
  return [namespace, isRbac ? name.replaceAll(':', '__') : name, group, kind].join('_');
}

/** The object of an inventory id. Throws for a text that is no id. */
export function parseInventoryId(id: string): ObjectId {
  const match = /^([^_]*)_(.*)_([^_]*)_([^_]*)$/s.exec(id);
  if (match === null) throw new Error(`unable to parse stored object metadata: ${id}`);
  const [, namespace = '', name = '', group = '', kind = ''] = match;
  return { namespace, name: name.replaceAll('__', ':'), group, kind };
}

export function entryOf(target: ObjectTarget): InventoryEntry {
  return { id: inventoryId(target), v: target.version };
}

export function targetOfEntry(entry: InventoryEntry): ObjectTarget {
  return { ...parseInventoryId(entry.id), version: entry.v };
}

/** The number of objects that a message names. */
const MAX_NAMED = 20;

/**
 * The objects of an inventory for a message, such as `Deployment/apps/web`; for a long one the first of them, and the
 * number of the others.
 */
export function namesOfEntries(entries: readonly InventoryEntry[]): string[] {
  const names = entries.slice(0, MAX_NAMED).map((entry) => subjectOf(targetOfEntry(entry)));
  const more = entries.length - names.length;
  return more > 0 ? [...names, `and ${more} more`] : names;
}

/** The entries of both, each id once, with the version of `newer`, in the order of an apply. */
export function unionInventory(
  newer: readonly InventoryEntry[],
  older: readonly InventoryEntry[],
): InventoryEntry[] {
  const byId = new Map([...older, ...newer].map((entry) => [entry.id, entry]));
  return [...byId.values()]
    .map((entry) => ({ entry, id: parseInventoryId(entry.id) }))
    .sort((a, b) => compareIds(a.id, b.id))
    .map(({ entry }) => entry);
}

/** Entries of `entries` whose id isn't in `other`. */
export function subtractInventory(
  entries: readonly InventoryEntry[],
  other: readonly InventoryEntry[],
): InventoryEntry[] {
  const ids = new Set(other.map(({ id }) => id));
  return entries.filter(({ id }) => !ids.has(id));
}
