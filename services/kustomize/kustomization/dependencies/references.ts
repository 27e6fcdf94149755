import { type Kustomization, resolveReference } from '@weir/api';
import { objectKey } from '@weir/kube';

/** `<namespace>/<name>` of every Kustomization that this one depends on. */
export function dependencyKeys(object: Kustomization): string[] {
  return (object.spec.dependsOn ?? []).map((reference) =>
    objectKey(resolveReference(reference, object)),
  );
}
