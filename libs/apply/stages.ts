// The order of an apply. No object of a stage is written before the stage before it is complete. Inside a stage objects are
// written in waves, and those of one wave in parallel.
import type { KubeObject } from '@weir/kube';
import { type ObjectId, targetOf } from './objects.ts';

/** Kinds that come first (in this order) and last; all others come in between. Flux's order. */
const FIRST = [
  'CustomResourceDefinition',
  'Namespace',
  'ClusterRole',
  'ClusterClass',
  'RuntimeClass',
  'PriorityClass',
  'StorageClass',
  'VolumeSnapshotClass',
  'IngressClass',
  'GatewayClass',
  'ClusterRoleBinding',
  'ResourceQuota',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ConfigMap',
  'Secret',
  'Service',
  'LimitRange',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
];
const LAST = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

const RANK = new Map([
  ...FIRST.map((kind, index) => [kind, index - FIRST.length] as const),
  ...LAST.map((kind, index) => [kind, index + 1] as const),
]);

/** The first kind that runs pods. Kinds before it belong to the first wave, because workloads need them. */
const FIRST_WORKLOAD = -FIRST.length + FIRST.indexOf('Deployment');

function rank(kind: string): number {
  return RANK.get(kind) ?? 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Orders by kind as above, then group, kind, namespace and name: the order of events and inventories. */
export function compareIds(a: ObjectId, b: ObjectId): number {
  return (
    rank(a.kind) - rank(b.kind) ||
    compareText(a.group, b.group) ||
    compareText(a.kind, b.kind) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name)
  );
}

export function sortObjects<T extends KubeObject>(objects: readonly T[]): T[] {
  return objects
    .map((object) => ({ object, id: targetOf(object) }))
    .sort((a, b) => compareIds(a.id, b.id))
    .map(({ object }) => object);
}

export interface Stage {
  name: 'definitions' | 'classes' | 'custom' | 'resources';
  /** True where the next stage needs these objects to be ready, and not only written. */
  awaited: boolean;
  objects: KubeObject[];
}

export function isCustomResourceDefinition(id: ObjectId): boolean {
  return id.group === 'apiextensions.k8s.io' && id.kind === 'CustomResourceDefinition';
}

function isDefinition(id: ObjectId): boolean {
  return (
    isCustomResourceDefinition(id) ||
    (id.group === '' && id.kind === 'Namespace') ||
    (id.group === 'rbac.authorization.k8s.io' && id.kind === 'ClusterRole')
  );
}

function stageOf(id: ObjectId, customKinds: ReadonlySet<string>): Stage['name'] {
  if (isDefinition(id)) return 'definitions';
  if (id.kind.endsWith('Class')) return 'classes';
  return customKinds.has(`${id.group}/${id.kind}`) ? 'custom' : 'resources';
}

/**
 * Splits objects into the stages of an apply, in order, without the empty ones. `customKinds` has `<group>/<kind>` of
 * the kinds that the operator wants between classes and the rest.
 */
export function intoStages(
  objects: readonly KubeObject[],
  customKinds: ReadonlySet<string> = new Set(),
): Stage[] {
  const byStage = Map.groupBy(sortObjects(objects), (object) =>
    stageOf(targetOf(object), customKinds),
  );
  return (['definitions', 'classes', 'custom', 'resources'] as const).flatMap((name) => {
    const members = byStage.get(name);
    const awaited = name === 'definitions' || name === 'classes';
    return members === undefined ? [] : [{ name, awaited, objects: members }];
  });
}

/**
 * The wave of a kind within its stage: what workloads need (0), workloads and everything unknown (1),
 * webhooks (2), which would refuse the objects that serve them if they came earlier.
 */
export function waveOf(kind: string): 0 | 1 | 2 {
  const place = rank(kind);
  if (place > 0) return 2;
  return place < FIRST_WORKLOAD ? 0 : 1;
}

/** Groups by wave, first wave first. Deleting goes through the waves from the last one back. */
export function intoWaves<T>(items: readonly T[], kindOf: (item: T) => string): T[][] {
  const waves = Map.groupBy(items, (item) => waveOf(kindOf(item)));
  return ([0, 1, 2] as const).flatMap((wave) => {
    const members = waves.get(wave);
    return members === undefined ? [] : [members];
  });
}
