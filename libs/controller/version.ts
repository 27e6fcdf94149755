import type { KubeObject } from '@weir/kube';

/**
 * Whether `candidate` is a later version. Versions of one kind are decimal numbers that grow
 * (KEP-5504 made it legitimate to compare them); of any others, a different one counts as later, so
 * that nothing is ever missed.
 */
export function isNewer(candidate: KubeObject, than: KubeObject): boolean {
  const a = candidate.metadata.resourceVersion ?? '';
  const b = than.metadata.resourceVersion ?? '';
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return a !== b;
  return a.length === b.length ? a > b : a.length > b.length;
}
