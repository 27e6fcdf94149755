// Interprets the API server's answer to a dry-run of an object.
import type { KubeObject } from '@weir/kube';
import { jsonEqual } from './equal.ts';

/**
 * True if writing would change something that was declared: labels, annotations, or anything beside
 * metadata and status. Bookkeeping (managedFields, resourceVersion, generation, times) never counts.
 */
export function differs(live: KubeObject, merged: KubeObject): boolean {
  return (
    !jsonEqual(live.metadata.labels ?? {}, merged.metadata.labels ?? {}) ||
    !jsonEqual(live.metadata.annotations ?? {}, merged.metadata.annotations ?? {}) ||
    !jsonEqual(declared(live), declared(merged))
  );
}

/** The answer to the dry-run of a create has no resourceVersion, because nothing was stored. */
export function wouldCreate(merged: KubeObject): boolean {
  return (merged.metadata.resourceVersion ?? '') === '';
}

/** Whether the dry-run was made on the version that was read: its answer keeps the resourceVersion of what is stored. */
export function isSameVersion(live: KubeObject | undefined, merged: KubeObject): boolean {
  return live?.metadata.resourceVersion === merged.metadata.resourceVersion;
}

function declared({ metadata: _metadata, status: _status, ...rest }: KubeObject): object {
  return rest;
}
