// `status.inventory` of a HelmRelease: the objects of the manifest and of the chart's folder `crds` (helm-controller,
// internal/inventory).
import type { InventoryEntry } from '@weir/api';
import { entryOf, placeObject, targetOf } from '@weir/apply';
import { isNoMatch, type KubeClient, type KubeObject } from '@weir/kube';

const HOOK = 'helm.sh/hook';

export interface ReleaseInventory {
  entries: InventoryEntry[];
  /** Warnings about objects of kinds that the API server doesn't have, which are listed without a namespace. */
  warnings: string[];
}

export async function inventoryOf(
  client: KubeClient,
  { objects, crds, namespace }: { objects: KubeObject[]; crds: KubeObject[]; namespace: string },
): Promise<ReleaseInventory> {
  const entries: InventoryEntry[] = [];
  const warnings = new Set<string>();
  for (const object of objects) {
    if (object.metadata.annotations?.[HOOK] !== undefined) continue;
    try {
      const placed = await placeObject(client, object, namespace);
      entries.push(entryOf(targetOf(placed.object)));
    } catch (error) {
      if (!isNoMatch(error)) throw error;
      const what = `failed to determine if ${object.kind} is namespace scoped`;
      warnings.add(`${what}, skipping namespace: ${error.message}`);
      entries.push(entryOf(targetOf(object)));
    }
  }
  entries.push(...crds.map((crd) => entryOf(targetOf(crd))));
  return { entries, warnings: [...warnings] };
}
