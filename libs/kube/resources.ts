import type { ResourceType } from './object.ts';

function core(kind: string, plural: string, namespaced = true): ResourceType {
  return { group: '', version: 'v1', kind, plural, namespaced };
}

function rbac(kind: string, plural: string, namespaced: boolean): ResourceType {
  return { group: 'rbac.authorization.k8s.io', version: 'v1', kind, plural, namespaced };
}

/** The kinds of Kubernetes itself that Weir reads or writes. Stating them here saves asking discovery for them. */
export const Secret = core('Secret', 'secrets');
export const ConfigMap = core('ConfigMap', 'configmaps');
export const Namespace = core('Namespace', 'namespaces', false);
export const Event = core('Event', 'events');
export const ServiceAccount = core('ServiceAccount', 'serviceaccounts');
export const Pod = core('Pod', 'pods');

export const ClusterRole = rbac('ClusterRole', 'clusterroles', false);
export const ClusterRoleBinding = rbac('ClusterRoleBinding', 'clusterrolebindings', false);
export const Role = rbac('Role', 'roles', true);
export const RoleBinding = rbac('RoleBinding', 'rolebindings', true);

export const Deployment: ResourceType = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};

export const Lease: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export const CustomResourceDefinition: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
