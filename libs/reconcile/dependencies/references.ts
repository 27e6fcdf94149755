import { type DependencyReference, resolveReference } from '@weir/api';
import { type KubeObject, objectKey } from '@weir/kube';
import type { CommonStatus } from '../status-report.ts';

/** An object that waits for others of its kind, which may wait for others too. */
export type Dependent = KubeObject & {
  spec: { dependsOn?: DependencyReference[] };
  status?: CommonStatus;
};

/** `<namespace>/<name>` of every object that this one depends on. */
export function dependencyKeys(object: Dependent): string[] {
  return (object.spec.dependsOn ?? []).map((reference) =>
    objectKey(resolveReference(reference, object)),
  );
}
