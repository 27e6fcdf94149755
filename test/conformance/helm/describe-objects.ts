// The compared fields of objects that a release manages, and of others in the fixture's namespaces.
import type { KubeObject } from '@weir/kube';
import { managersOf, without } from './normalize.ts';

/** Annotations that Kubernetes' controllers set some time after the creation. */
const LATE_ANNOTATIONS = ['deployment.kubernetes.io/revision'];
/** Labels that the API server sets. */
const GIVEN_LABELS = [
  ...['kubernetes.io/metadata.name', 'controller-uid', 'job-name'],
  ...['batch.kubernetes.io/controller-uid', 'batch.kubernetes.io/job-name'],
];
/** Fields whose values the API server or a controller assigns. */
const ASSIGNED = ['clusterIP', 'clusterIPs'];

/** Objects that Kubernetes makes in each namespace. */
export function isGiven(resource: string, { metadata: { name } }: KubeObject): boolean {
  return (
    (resource === 'configmaps' && name === 'kube-root-ca.crt') ||
    (resource === 'serviceaccounts' && name === 'default')
  );
}

export function describeObject(object: KubeObject): Record<string, unknown> {
  const { apiVersion: _a, kind: _k, metadata, status: _s, spec, ...rest } = object;
  const annotations = without(metadata.annotations, LATE_ANNOTATIONS);
  const labels = without(metadata.labels, GIVEN_LABELS);
  return {
    ...rest,
    ...(spec === undefined ? {} : { spec: withoutAssigned(spec as Record<string, unknown>) }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(labels === undefined ? {} : { labels }),
    managers: managersOf(metadata.managedFields),
  };
}

function withoutAssigned(spec: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.fromEntries(Object.entries(spec).filter(([key]) => !ASSIGNED.includes(key)));
  // A Job's selector, and the labels of its template, are its UID.
  if (kept.completionMode === undefined) return kept;
  const { selector: _, template, ...job } = kept;
  const { metadata: _m, ...rest } = template as Record<string, unknown>;
  return { ...job, template: rest };
}

interface Definition {
  versions: { schema?: { openAPIV3Schema?: { properties?: Record<string, Properties> } } }[];
}
interface Properties {
  properties?: Record<string, unknown>;
}

/** A cluster-scoped object; of a CRD the fields of its spec in place of the whole schema. */
export function describeClusterObject(object: KubeObject): Record<string, unknown> {
  const { spec, ...described } = describeObject(object);
  if (object.kind !== 'CustomResourceDefinition') return described;
  const [version] = (object.spec as Definition).versions;
  const fields = version?.schema?.openAPIV3Schema?.properties?.spec?.properties ?? {};
  return { ...described, fields: Object.keys(fields).sort() };
}
