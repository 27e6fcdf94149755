// The API server's record of who owns which field (`metadata.managedFields`).
import type { KubeObject, ManagedFields } from '@weir/kube';

/** A trie of fields, the FieldsV1 format of kubernetes-sigs/structured-merge-diff. */
export type Fields = { [step: string]: Fields };

export function fieldsOf(entry: ManagedFields | undefined): Fields {
  return (entry?.fieldsV1 ?? {}) as Fields;
}

/** The entry of our own applies to the object itself, not to its subresources. */
export function appliedEntry(object: KubeObject, fieldManager: string): ManagedFields | undefined {
  return object.metadata.managedFields?.find(
    ({ manager, operation, subresource = '' }) =>
      manager === fieldManager && operation === 'Apply' && subresource === '',
  );
}

/** The entries of what a manager wrote to the object itself, by any of the operations. */
export function writtenEntries(
  object: KubeObject,
  fieldManager: string,
  operations: readonly ('Apply' | 'Update')[],
): ManagedFields[] {
  return (object.metadata.managedFields ?? []).filter(
    ({ manager, operation, subresource = '' }) =>
      manager === fieldManager &&
      operation !== undefined &&
      operations.includes(operation) &&
      subresource === '',
  );
}

/**
 * The union of two sets of fields. In the trie an inner node stands for its children alone unless it
 * holds `.`, and a leaf for itself.
 */
export function unionFields(a: Fields = {}, b: Fields = {}): Fields {
  const steps = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...steps].sort().map((step) => [step, unionNode(a[step], b[step])]));
}

function unionNode(a: Fields | undefined, b: Fields | undefined): Fields {
  if (a === undefined || b === undefined) return a ?? b ?? {};
  const union = unionFields(a, b);
  const isMember = isLeaf(a) || isLeaf(b) || '.' in union;
  return isMember && !isLeaf(union) ? { '.': {}, ...union } : union;
}

function isLeaf(node: Fields): boolean {
  return Object.keys(node).length === 0;
}
