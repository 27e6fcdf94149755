import type { TargetCluster } from '@weir/apply';
import type { EnteredCluster } from './clusters.ts';
import type { Placed } from './reference.ts';

/**
 * Whether an object was applied to another cluster before: then the objects in its status are there, and those with the
 * same names in this one are others. `recorded` is the cluster in the status; an object that comes from Flux has none.
 */
export function hasMoved(
  { id, wasOwn }: Pick<EnteredCluster<TargetCluster>, 'id' | 'wasOwn'>,
  recorded: string | undefined,
): boolean {
  if (recorded !== undefined) return recorded !== id;
  return id !== undefined && wasOwn;
}

/** The message about that, with the ids of both clusters; undefined is the service's own one. */
export function describeMove(
  { spec }: Pick<Placed, 'spec'>,
  id: string | undefined,
  recorded: string | undefined,
): string {
  const where = spec.kubeConfig === undefined ? 'the own cluster' : 'another cluster';
  return `spec.kubeConfig leads to ${where} than before (${id ?? 'in-cluster'}, was ${recorded ?? 'in-cluster'})`;
}
