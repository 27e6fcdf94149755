import { groupVersion, type ResourceType } from './object.ts';

/** The collection's path at the API server; all namespaces when none is given. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${groupVersion(type)}`;
  return type.namespaced && namespace
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${type.plural}`
    : `${root}/${type.plural}`;
}

/**
 * The path of one object, or of its subresource. Throws TypeError when a namespaced object comes without a
 * namespace or any without a name: such a path would mean another thing.
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

/** The collection in which one object lives. Throws TypeError as objectPath. */
export function namespacePath(
  type: ResourceType,
  ref: { namespace?: string; name?: string },
): string {
  if (type.namespaced && !ref.namespace) {
    throw new TypeError(`${type.kind} ${ref.name ?? ''} needs a namespace`);
  }
  return collectionPath(type, ref.namespace);
}
