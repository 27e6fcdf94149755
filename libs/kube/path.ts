import { groupVersion, type ResourceType } from './object.ts';

/** The path of a kind's collection at the API server; that of all namespaces when none is given. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${groupVersion(type)}`;
  return type.namespaced && namespace
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${type.plural}`
    : `${root}/${type.plural}`;
}

/**
 * The path of one object or of its subresource. Throws TypeError for an object without a name, or a namespaced object
 * without a namespace, because the path would be that of a whole collection.
 */
export function objectPath(
  type: ResourceType,
  ref: { namespace?: string; name: string },
  subresource?: string,
): string {
  if (!ref.name) throw new TypeError(`${type.kind}: the object has no name`);
  const path = `${namespacePath(type, ref)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** The path of the collection that contains the object. Throws TypeError as `objectPath` does. */
export function namespacePath(
  type: ResourceType,
  ref: { namespace?: string; name?: string },
): string {
  if (type.namespaced && !ref.namespace) {
    throw new TypeError(`${type.kind} ${ref.name ?? ''} needs a namespace`);
  }
  return collectionPath(type, ref.namespace);
}
