// The labels that name the owner of an object. Pruning, `flux tree` and the drift watch use them.
import type { KubeObject } from '@weir/kube';

/** The owner of applied objects: the prefix of its labels and markers, and the field manager of every write. */
export interface Owner {
  /** `kustomize.toolkit.fluxcd.io` */
  group: string;
  /** `kustomize-controller` */
  fieldManager: string;
  namespace: string;
  name: string;
}

export function ownerLabels(owner: Pick<Owner, 'group' | 'name' | 'namespace'>) {
  return { [`${owner.group}/name`]: owner.name, [`${owner.group}/namespace`]: owner.namespace };
}

export function isOwnedBy(
  object: KubeObject,
  owner: Pick<Owner, 'group' | 'name' | 'namespace'>,
): boolean {
  return Object.entries(ownerLabels(owner)).every(
    ([key, value]) => object.metadata.labels?.[key] === value,
  );
}

/** `<namespace>/<name>` of the owner that the labels name. */
export function ownerKeyOf(object: KubeObject, group: string): string | undefined {
  const { [`${group}/name`]: name, [`${group}/namespace`]: namespace } =
    object.metadata.labels ?? {};
  return name === undefined || namespace === undefined ? undefined : `${namespace}/${name}`;
}
