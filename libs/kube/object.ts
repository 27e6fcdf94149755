/** What every Kubernetes object carries (apimachinery's `metav1.ObjectMeta`). Times are RFC 3339 strings. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFields[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** One field manager's entry; `fieldsV1` is the set of fields that it owns, in the API server's own notation. */
export interface ManagedFields {
  manager?: string;
  operation?: 'Apply' | 'Update';
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/**
 * What is certainly known of an object that was deleted: its identity, labels and annotations. More is not known of
 * one that was deleted while no watch was open. (A type and not an interface, so that it is assignable to KubeObject.)
 */
export type DeletedObject = {
  apiVersion: string;
  kind: string;
  metadata: Pick<
    ObjectMeta,
    'name' | 'namespace' | 'uid' | 'resourceVersion' | 'labels' | 'annotations'
  >;
};

/** A kind as the API server serves it. The core group is `""`. */
export interface ResourceType {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

/** A served kind with the verbs (`get`, `list`, `patch`, ...) and subresources (`status`, ...) that it supports. */
export interface DiscoveredResource extends ResourceType {
  verbs: readonly string[];
  subresources: readonly string[];
}

export interface ObjectRef {
  namespace?: string;
  name: string;
}

/** The `apiVersion` of a kind: `apps/v1`, or `v1` for the core group. */
export function groupVersion(type: { group: string; version: string }): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** Splits an `apiVersion` into group (`""` for core) and version. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  if (slash < 0) return { group: '', version: apiVersion };
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** `namespace/name`, or just `name` for an object that lives in no namespace. */
export function objectKey(of: ObjectRef | KubeObject): string {
  const { namespace, name } = isObject(of) ? of.metadata : of;
  return namespace ? `${namespace}/${name}` : name;
}

function isObject(of: ObjectRef | KubeObject): of is KubeObject {
  return 'metadata' in of;
}
