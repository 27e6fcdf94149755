// What "ready" means by the rules of Helm 3 (`waitStrategy: legacy`; pkg/kube/ready.go): only these kinds are waited
// for, by their own fields, and the user's expressions are not used.
import type { Health, ObjectStatus, StatusFunction } from '@weir/apply';
import { type KubeClient, type KubeObject, Pod } from '@weir/kube';
import type { ActionRun } from '../action-run.ts';
import { kindKey } from './statuses.ts';

const CURRENT: ObjectStatus = { status: 'Current' };
const IN_PROGRESS: ObjectStatus = { status: 'InProgress' };

const REPLICA_SET = {
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  namespaced: true,
};

export function legacyStatus({ ctx }: ActionRun, { jobs }: { jobs: boolean }): StatusFunction {
  const { cluster, signal } = ctx;
  const isReady = async (object: KubeObject): Promise<ObjectStatus> => {
    const kind = kindKey(object);
    if (kind === 'batch/Job') return jobs ? doneJob(object) : CURRENT;
    if (kind === 'apps/Deployment') {
      return of(await readyDeployment(cluster.client, object, signal));
    }
    if (kind === 'apps/ReplicaSet' || kind === '/ReplicationController') {
      return of(isObserved(object) && (await readyPods(cluster.client, object, signal)));
    }
    return of(RULES[kind]?.(object) ?? true);
  };
  return (objects) => Promise.all(objects.map(isReady));
}

/** Helm's words for a wait that ended without everything being ready. */
export function failureOfLegacy({ results }: Health): string {
  const failed = results.find(({ status }) => status === 'Failed');
  return failed?.message ?? 'context deadline exceeded';
}

function of(isReady: boolean): ObjectStatus {
  return isReady ? CURRENT : IN_PROGRESS;
}

/** The fields that the rules read. */
interface Fields {
  spec: {
    type?: string;
    clusterIP?: string;
    externalIPs?: string[];
    replicas?: number;
    completions?: number;
    backoffLimit?: number;
    selector?: Record<string, string> & { matchLabels?: Record<string, string> };
    strategy?: RollingUpdate;
    updateStrategy?: RollingUpdate;
  };
  status: {
    phase?: string;
    observedGeneration?: number;
    updatedNumberScheduled?: number;
    desiredNumberScheduled?: number;
    numberReady?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
    failed?: number;
    succeeded?: number;
    loadBalancer?: { ingress?: unknown };
    conditions?: { type: string; status: string }[];
  };
}

interface RollingUpdate {
  type?: string;
  rollingUpdate?: { maxUnavailable?: number | string; partition?: number };
}

function fieldsOf(object: KubeObject): Fields {
  return { spec: object.spec ?? {}, status: object.status ?? {} } as Fields;
}

const RULES: Record<string, (object: KubeObject) => boolean> = {
  '/Pod': isReadyPod,
  '/PersistentVolumeClaim': (object) => fieldsOf(object).status.phase === 'Bound',
  '/Service': readyService,
  'apps/DaemonSet': readyDaemonSet,
  'apps/StatefulSet': readyStatefulSet,
  'apiextensions.k8s.io/CustomResourceDefinition': (object) =>
    hasCondition(object, 'Established', 'True') || hasCondition(object, 'NamesAccepted', 'False'),
};

function hasCondition(object: KubeObject, type: string, status: string): boolean {
  const { conditions = [] } = fieldsOf(object).status;
  return conditions.some((condition) => condition.type === type && condition.status === status);
}

function isReadyPod(object: KubeObject): boolean {
  return hasCondition(object, 'Ready', 'True');
}

function isObserved(object: KubeObject): boolean {
  return (fieldsOf(object).status.observedGeneration ?? 0) === (object.metadata.generation ?? 0);
}

function doneJob(object: KubeObject): ObjectStatus {
  const { spec, status } = fieldsOf(object);
  if ((status.failed ?? 0) > (spec.backoffLimit ?? 6)) {
    const { namespace = '', name } = object.metadata;
    return { status: 'Failed', message: `job is failed: ${namespace}/${name}` };
  }
  return of(spec.completions === undefined || (status.succeeded ?? 0) >= spec.completions);
}

function readyService(object: KubeObject): boolean {
  const { spec, status } = fieldsOf(object);
  if (spec.type === 'ExternalName') return true;
  if (!spec.clusterIP) return false;
  const isBalanced = spec.type === 'LoadBalancer' && (spec.externalIPs ?? []).length === 0;
  return !isBalanced || (status.loadBalancer?.ingress ?? undefined) !== undefined;
}

function readyDaemonSet(object: KubeObject): boolean {
  const { spec, status } = fieldsOf(object);
  if (!isObserved(object)) return false;
  if (spec.updateStrategy?.type !== 'RollingUpdate') return true;
  const desired = status.desiredNumberScheduled ?? 0;
  if ((status.updatedNumberScheduled ?? 0) !== desired) return false;
  const unavailable = scaled(
    spec.updateStrategy.rollingUpdate?.maxUnavailable ?? 1,
    desired,
    Math.ceil,
  );
  return (status.numberReady ?? 0) >= desired - unavailable;
}

function readyStatefulSet(object: KubeObject): boolean {
  const { spec, status } = fieldsOf(object);
  if (!isObserved(object)) return false;
  if (spec.updateStrategy?.type !== 'RollingUpdate') return true;
  const { partition = 0 } = spec.updateStrategy.rollingUpdate ?? {};
  const { replicas = 1 } = spec;
  if ((status.updatedReplicas ?? 0) < replicas - partition) return false;
  if ((status.readyReplicas ?? 0) !== replicas) return false;
  return partition !== 0 || status.currentRevision === status.updateRevision;
}

const REVISION = 'deployment.kubernetes.io/revision';

/** A Deployment is ready with enough pods of its newest ReplicaSet, which is the one with the Deployment's own revision. */
async function readyDeployment(
  client: KubeClient,
  object: KubeObject,
  signal: AbortSignal,
): Promise<boolean> {
  if (!isObserved(object)) return false;
  const { namespace = '', uid, annotations = {} } = object.metadata;
  const { items } = await client.list(REPLICA_SET, {
    namespace,
    labelSelector: selectorOf(object),
    signal,
  });
  const newest = items.find(
    ({ metadata }) =>
      metadata.annotations?.[REVISION] === annotations[REVISION] &&
      metadata.ownerReferences?.some((owner) => owner.uid === uid),
  );
  if (newest === undefined || !isObserved(newest)) return false;
  return (fieldsOf(newest).status.readyReplicas ?? 0) >= neededReplicas(object);
}

function neededReplicas(object: KubeObject): number {
  const { replicas = 1, strategy } = fieldsOf(object).spec;
  if (strategy?.type !== 'RollingUpdate' || replicas === 0) return replicas;
  const unavailable = scaled(strategy.rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor);
  return replicas - Math.min(unavailable, replicas);
}

/** A number, or a share of `total` in per cent. */
function scaled(value: number | string, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const share = /^(\d+)%$/.exec(value);
  return share === null ? total : round((Number(share[1]) * total) / 100);
}

async function readyPods(
  client: KubeClient,
  object: KubeObject,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace = '' } = object.metadata;
  const { items } = await client.list(Pod, {
    namespace,
    labelSelector: selectorOf(object),
    signal,
  });
  return items.every(isReadyPod);
}

function selectorOf(object: KubeObject): string {
  const { selector = {} } = fieldsOf(object).spec;
  const labels = selector.matchLabels ?? selector;
  return Object.entries(labels)
    .filter(([, value]) => typeof value === 'string')
    .map((pair) => pair.join('='))
    .join(',');
}
