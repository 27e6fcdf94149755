// Resolves the short names that fixtures use for objects.
import {
  isNoMatch,
  isNotFound,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from '@weir/kube';
import { parseAllDocuments } from 'yaml';

/** The apiVersions of kinds that fixtures name without a group. */
const GROUPS: Record<string, string> = {
  ConfigMap: 'v1',
  Secret: 'v1',
  Service: 'v1',
  ServiceAccount: 'v1',
  Namespace: 'v1',
  Pod: 'v1',
  PersistentVolumeClaim: 'v1',
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
  ClusterRole: 'rbac.authorization.k8s.io/v1',
  ClusterRoleBinding: 'rbac.authorization.k8s.io/v1',
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
  Kustomization: 'kustomize.toolkit.fluxcd.io/v1',
  GitRepository: 'source.toolkit.fluxcd.io/v1',
  OCIRepository: 'source.toolkit.fluxcd.io/v1',
  Bucket: 'source.toolkit.fluxcd.io/v1',
  ExternalArtifact: 'source.toolkit.fluxcd.io/v1',
};

export interface Named {
  type: ResourceType;
  ref: { name: string; namespace?: string };
}

export interface Parsed {
  type: ResourceType;
  object: KubeObject;
}

/** Resolves `[<namespace>:]<Kind>[.<version>.<group>]/<name>`. `own` is the namespace when none is given. */
export async function resolve(client: KubeClient, text: string, own: string): Promise<Named> {
  const match = /^(?:([\w-]+):)?(\w+)(?:\.(\w+)\.([\w.-]+))?\/(.+)$/.exec(text);
  if (match === null) throw new Error(`"${text}" is no <Kind>/<name>`);
  const [, namespace = own, kind = '', version, group, name = ''] = match;
  const apiVersion = group === undefined ? GROUPS[kind] : `${group}/${version}`;
  if (apiVersion === undefined) throw new Error(`"${text}": ${kind} needs its version and group`);
  const type = await client.discovery.resourceForKind(apiVersion, kind);
  return { type, ref: type.namespaced ? { namespace, name } : { name } };
}

/** Reads the object; undefined when it or its kind does not exist. */
export async function find(
  client: KubeClient,
  text: string,
  own: string,
): Promise<KubeObject | undefined> {
  try {
    const { type, ref } = await resolve(client, text, own);
    return await client.get(type, ref);
  } catch (error) {
    if (isNotFound(error) || isNoMatch(error)) return undefined;
    throw error;
  }
}

/** Parses YAML documents. Namespaced objects without a namespace get the namespace `own`. */
export async function parseObjects(
  client: KubeClient,
  yaml: string,
  own: string,
): Promise<Parsed[]> {
  const found: Parsed[] = [];
  for (const document of parseAllDocuments(yaml)) {
    const object = document.toJS() as KubeObject | null;
    if (object === null) continue;
    const type = await client.discovery.resourceForKind(object.apiVersion, object.kind);
    const metadata = type.namespaced ? { namespace: own, ...object.metadata } : object.metadata;
    found.push({ type, object: { ...object, metadata } });
  }
  return found;
}
