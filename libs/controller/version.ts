import type { KubeObject } from '@weir/kube';

/**
 * Whether `candidate` has a later resourceVersion. The versions of one kind are growing decimal numbers, and comparing
 * them is part of the API since KEP-5504. Of versions that are no numbers, a different one counts as later, so that
 * no change is missed.
 */
export function isNewer(candidate: KubeObject, than: KubeObject): boolean {
  const a = candidate.metadata.resourceVersion ?? '';
  const b = than.metadata.resourceVersion ?? '';
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return a !== b;
  return a.length === b.length ? a > b : a.length > b.length;
}
