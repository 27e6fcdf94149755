// The order in which Helm deletes kinds (pkg/release/v1/util/kind_sorter.go, UninstallOrder).
import type { KubeObject } from '@weir/kube';

/** Validation goes before mutation, so that webhooks don't stand in the way of what comes after them. */
const KINDS = [
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'APIService',
  'Ingress',
  'IngressClass',
  'Service',
  'CronJob',
  'Job',
  'StatefulSet',
  'HorizontalPodAutoscaler',
  'Deployment',
  'ReplicaSet',
  'ReplicationController',
  'Pod',
  'DaemonSet',
  'RoleBinding',
  'Role',
  'ClusterRoleBinding',
  'ClusterRole',
  'CustomResourceDefinition',
  'PersistentVolumeClaim',
  'PersistentVolume',
  'StorageClass',
  'ConfigMap',
  'Secret',
  'ServiceAccount',
  'PodDisruptionBudget',
  'PodSecurityPolicy',
  'LimitRange',
  'ResourceQuota',
  'NetworkPolicy',
  'Namespace',
  'PriorityClass',
];

const RANK = new Map(KINDS.map((kind, index) => [kind, index]));

/** Sorted for deletion. Kinds that Helm doesn't know come last, by name; within a kind the order stays. */
export function uninstallOrder<T extends Pick<KubeObject, 'kind'>>(objects: readonly T[]): T[] {
  return objects.toSorted((a, b) => {
    const [first, second] = [RANK.get(a.kind), RANK.get(b.kind)];
    if (first === undefined && second === undefined) {
      return a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0;
    }
    return (first ?? KINDS.length) - (second ?? KINDS.length);
  });
}
