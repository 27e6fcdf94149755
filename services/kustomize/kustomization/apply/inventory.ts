// The inventory of a Kustomization over a run: what it held, what it is about to hold, what it holds.
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

/** What is to be written before an apply: all of old and new; undefined when nothing is added. */
export function grownInventory(
  held: readonly InventoryEntry[],
  objects: readonly KubeObject[],
): InventoryEntry[] | undefined {
  const wanted = objects.map((object) => entryOf(targetOf(object)));
  const added = subtractInventory(wanted, held);
  return added.length === 0 ? undefined : unionInventory(wanted, held);
}

/** What is there after an apply, with the ids that the API server knows the objects by. */
export function appliedEntries(applied: readonly AppliedObject[]): InventoryEntry[] {
  return applied.map(({ change }) => entryOf({ ...change.id, version: change.version }));
}

/** Stands for what an inventory holds. */
export function inventoryDigest(inventory: Inventory | undefined): string {
  const ids = (inventory?.entries ?? []).map(({ id, v }) => `${id} ${v}\n`).sort();
  return hash('sha1', ids.join(''), 'base64');
}

/** What left the inventory. */
export function staleTargets(
  held: readonly InventoryEntry[],
  now: readonly InventoryEntry[],
): ObjectTarget[] {
  return subtractInventory(held, now).map(targetOfEntry);
}

/** After an apply that broke off: what was held, and what a write was begun for. */
export function touchedInventory(
  held: readonly InventoryEntry[],
  touched: readonly ObjectTarget[],
): InventoryEntry[] {
  return unionInventory(touched.map(entryOf), held);
}
