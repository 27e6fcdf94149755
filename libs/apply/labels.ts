// The labels by which an object says whose it is: pruning, `flux tree` and the drift watch go by them.
import type { KubeObject } from '@weir/kube';

/** Who applies: prefix of the labels and markers, and the field manager of every write. */
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

/** Copies of the objects with the owner's labels on them. */
export function withOwnerLabels(objects: readonly KubeObject[], owner: Owner): KubeObject[] {
  return withMetadata(objects, { labels: ownerLabels(owner) });
}

/** Copies of the objects with labels and annotations added; what is given wins over what is there. */
export function withMetadata(
  objects: readonly KubeObject[],
  {
    labels,
    annotations,
  }: { labels?: Record<string, string>; annotations?: Record<string, string> },
): KubeObject[] {
  return objects.map((object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      ...merged('labels', object.metadata.labels, labels),
      ...merged('annotations', object.metadata.annotations, annotations),
    },
  }));
}

function merged<K extends string>(
  key: K,
  present: Record<string, string> | undefined,
  added: Record<string, string> = {},
): { [P in K]?: Record<string, string> } {
  const all = { ...present, ...added };
  return (Object.keys(all).length === 0 ? {} : { [key]: all }) as { [P in K]?: typeof all };
}

export function isOwnedBy(object: KubeObject, owner: Owner): boolean {
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
