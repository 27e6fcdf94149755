import type { TargetCluster } from '@weir/apply';
import type { Place } from './clusters.ts';
import type { Placed } from './reference.ts';

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

/** Says so in a message, with the ids of both clusters; undefined is the own one. */
export function describeMove(
  { spec }: Pick<Placed, 'spec'>,
  id: string | undefined,
  recorded: string | undefined,
): string {
  const where = spec.kubeConfig === undefined ? 'the own cluster' : 'another cluster';
  return `spec.kubeConfig leads to ${where} than before (${id ?? 'in-cluster'}, was ${recorded ?? 'in-cluster'})`;
}
