// The objects that `spec.dependsOn` names: of the same kind, as in Flux, or of any other.
import { type DependencyReference, kinds, resolveReference } from '@weir/api';
import { type KubeObject, objectKey, parseApiVersion } from '@weir/kube';
import type { CommonStatus } from '../status-report.ts';

/** An object that may depend on others. */
export type Dependent = KubeObject & {
  spec: { dependsOn?: DependencyReference[] };
  status?: CommonStatus;
};

/** An object of another kind. */
export interface ForeignReference {
  /** Undefined if the reference names none and its kind is none of Flux's. */
  apiVersion: string | undefined;
  kind: string;
  name: string;
  /** The namespace, for kinds that have namespaces. */
  namespace: string;
}

/** The object of another kind that a reference names; undefined for one of the dependent's own kind. */
export function foreignReference(
  reference: DependencyReference,
  object: Dependent,
): ForeignReference | undefined {
  const { apiVersion, kind = object.kind ?? '' } = reference;
  const own = parseApiVersion(object.apiVersion ?? '').group;
  const isOwn =
    kind === (object.kind ?? '') && (!apiVersion || parseApiVersion(apiVersion).group === own);
  if (isOwn) return undefined;
  const known = kinds.find((it) => it.kind === kind)?.apiVersion;
  return { apiVersion: apiVersion || known, kind, ...resolveReference(reference, object) };
}

/** `<namespace>/<name>` of every object of its own kind that this one depends on. */
export function dependencyKeys(object: Dependent): string[] {
  return (object.spec.dependsOn ?? []).flatMap((reference) =>
    foreignReference(reference, object) === undefined
      ? objectKey(resolveReference(reference, object))
      : [],
  );
}
