// What identifies an object of the cluster, and its name in messages.
import { type KubeObject, parseApiVersion } from '@weir/kube';

/** An object without its version: the API server keeps one object however many versions serve it. */
export interface ObjectId {
  group: string;
  kind: string;
  /** Empty for an object that belongs to no namespace. */
  namespace: string;
  name: string;
}

/** An object and the version by which to read it. */
export interface ObjectTarget extends ObjectId {
  version: string;
}

export function targetOf(object: KubeObject): ObjectTarget {
  const { group, version } = parseApiVersion(object.apiVersion);
  const { namespace = '', name } = object.metadata;
  return { group, version, kind: object.kind, namespace, name };
}

/** The name of an object in Flux's events and errors: `Deployment/apps/web`, `Namespace/apps`. */
export function subjectOf(id: ObjectId): string {
  return [id.kind, ...(id.namespace === '' ? [] : [id.namespace]), id.name].join('/');
}

export function subjectOfObject(object: KubeObject): string {
  return subjectOf(targetOf(object));
}

/**
 * True if any of the pairs is among the object's labels or annotations. Values are compared without
 * regard to case, as Flux does for its own markers ("disabled", "Ignore").
 */
export function isMarked(
  object: KubeObject | undefined,
  markers: Readonly<Record<string, string>>,
): boolean {
  const { labels = {}, annotations = {} } = object?.metadata ?? {};
  return Object.entries(markers).some(([key, value]) =>
    [labels[key], annotations[key]].some(
      (found) => found !== undefined && found.toLowerCase() === value.toLowerCase(),
    ),
  );
}
