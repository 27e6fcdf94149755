import type { TargetCluster } from '@weir/apply';
import type { Place } from './clusters.ts';

/**
 * Whether an object was applied to another cluster before: what its status lists is there, and objects of the same names in this
 * one are not meant. `recorded` is the cluster that the status names; an object that comes from Flux names none.
 */
export function hasMoved(
  { id, wasOwn }: Pick<Place<TargetCluster>, 'id' | 'wasOwn'>,
  recorded: string | undefined,
): boolean {
  if (recorded !== undefined) return recorded !== id;
  return id !== undefined && wasOwn;
}
