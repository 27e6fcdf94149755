import { readFile } from 'node:fs/promises';
import {
  ClusterRole,
  ClusterRoleBinding,
  connectAsServiceAccount,
  isForbidden,
  isNotFound,
  type KubeClient,
  type KubeObject,
  Namespace,
  type ResourceType,
  Role,
  RoleBinding,
  ServiceAccount,
} from '@weir/kube';
import { parse } from 'yaml';

const RULES = new URL('../../charts/weir/rbac/', import.meta.url);
const FIELD_MANAGER = 'weir';
const RBAC = 'rbac.authorization.k8s.io';

/** Makes sure that the runtime namespace exists. Without the right to read namespaces it is assumed to exist. */
export async function ensureNamespace(client: KubeClient, name: string): Promise<void> {
  try {
    await client.get(Namespace, { name });
  } catch (error) {
    if (isForbidden(error)) return;
    if (!isNotFound(error)) throw error;
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.apply(Namespace, namespace, { fieldManager: FIELD_MANAGER });
  }
}

/**
 * Creates the service account `weir-<service>` with the rights that the chart gives it and returns a client that acts
 * as this account. `admin` must hold those rights itself.
 */
export async function asOwnAccount(
  admin: KubeClient,
  service: string,
  namespace: string,
): Promise<KubeClient> {
  const name = `weir-${service}`;
  const [rules, leases] = await Promise.all([readRules(service), readRules('leases')]);
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const role = (kind: string) => ({ apiGroup: RBAC, kind, name });
  const objects: [ResourceType, Record<string, unknown>][] = [
    [ServiceAccount, {}],
    [ClusterRole, rules],
    [ClusterRoleBinding, { roleRef: role('ClusterRole'), subjects }],
    [Role, leases],
    [RoleBinding, { roleRef: role('Role'), subjects }],
  ];
  await Promise.all(
    objects.map(([type, fields]) => {
      const metadata = type.namespaced ? { name, namespace } : { name };
      const apiVersion = type.group ? `${type.group}/${type.version}` : type.version;
      const object: KubeObject = { apiVersion, kind: type.kind, metadata, ...fields };
      return admin.apply(type, object, { fieldManager: FIELD_MANAGER, force: true });
    }),
  );
  return connectAsServiceAccount(admin, { namespace, name });
}

/** The rules in a file of the chart: those of a service for the cluster, or `leases` for its own namespace. */
async function readRules(name: string): Promise<{ rules: unknown[] }> {
  return parse(await readFile(new URL(`${name}.yaml`, RULES), 'utf8')) as { rules: unknown[] };
}
