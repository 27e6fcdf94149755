// The objects that a Kustomization or HelmRelease has applied, in its status.
import type { Static } from 'typebox';
import { list, object, text } from './schema/schema.ts';

const inventoryEntry = object(
  {
    id: text('The object as `<namespace>_<name>_<group>_<kind>`.'),
    v: text('The API version that it was applied with, without the group.'),
  },
  'An object of the inventory.',
);

export const inventory = object(
  { entries: list(inventoryEntry, 'The objects.') },
  'The objects that were applied.',
);

export type Inventory = Static<typeof inventory>;
export type InventoryEntry = Static<typeof inventoryEntry>;
