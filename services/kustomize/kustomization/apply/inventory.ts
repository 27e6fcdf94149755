// The inventory of a Kustomization during a run: before, while and after objects are applied.
import { hash } from 'node:crypto';
import type { Inventory, InventoryEntry, Kustomization } from '@weir/api';
import {
  type AppliedObject,
  entryOf,
  type ObjectTarget,
  subtractInventory,
  targetOf,
  targetOfEntry,
  unionInventory,
} from '@weir/apply';
import type { KubeObject } from '@weir/kube';

export function heldEntries(object: Kustomization): InventoryEntry[] {
  return object.status?.inventory?.entries ?? [];
}

/**
 * The union of the old inventory and the new objects, to be written before an apply; undefined when nothing is added.
 */
export function grownInventory(
  held: readonly InventoryEntry[],
  objects: readonly KubeObject[],
): InventoryEntry[] | undefined {
  const wanted = objects.map((object) => entryOf(targetOf(object)));
  const added = subtractInventory(wanted, held);
  return added.length === 0 ? undefined : unionInventory(wanted, held);
}

/** The entries after an apply, with the ids by which the API server knows the objects. */
export function appliedEntries(applied: readonly AppliedObject[]): InventoryEntry[] {
  return applied.map(({ change }) => entryOf({ ...change.id, version: change.version }));
}

/** Equal for inventories with equal entries. */
export function inventoryDigest(inventory: Inventory | undefined): string {
  const ids = (inventory?.entries ?? []).map(({ id, v }) => `${id} ${v}\n`).sort();
  return hash('sha1', ids.join(''), 'base64');
}

/** The objects that are no longer in the inventory. */
export function staleTargets(
  held: readonly InventoryEntry[],
  now: readonly InventoryEntry[],
): ObjectTarget[] {
  return subtractInventory(held, now).map(targetOfEntry);
}

/** The inventory after an apply that broke off: the old entries, and the objects that were about to be written. */
export function touchedInventory(
  held: readonly InventoryEntry[],
  touched: readonly ObjectTarget[],
): InventoryEntry[] {
  return unionInventory(touched.map(entryOf), held);
}
