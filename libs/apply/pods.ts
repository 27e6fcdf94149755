// Pods that have failed for good. A StatefulSet or ReplicaSet then stays in progress without end, and its own status
// doesn't say why: the status of these two is also computed from their pods, as in Flux's status readers (cli-utils).
import { isForbidden, type KubeClient, type KubeObject, Pod } from '@weir/kube';
import type { HealthResult, StatusFunction } from './health-types.ts';
import { inventoryId } from './inventory.ts';

export interface PodWatches {
  /** The status of an object, changed by that of its pods. Pods that may be watched are watched from then on. */
  judge(object: KubeObject | undefined, result: HealthResult): HealthResult;
  /** Rejects with a failure of our own, and never resolves. */
  failure: Promise<never>;
  /** Resolves when all watches have ended, after the signal. */
  ended(): Promise<void>;
}

export interface PodWatchOptions {
  status: StatusFunction;
  /** `<group>/<Kind>` of kinds whose pods don't count, because the user has expressions for them. */
  expressed?: ReadonlySet<string> | undefined;
  signal: AbortSignal;
  /** Called for an object, in its last read state, when the set of its failed pods changes. */
  changed(object: KubeObject): Promise<void>;
}

interface PodWatch {
  object: KubeObject;
  /** Names of the pods that have failed. */
  failed: Set<string>;
  done: Promise<void>;
}

const CONTROLLERS = ['apps/StatefulSet', 'apps/ReplicaSet'];

export function createPodWatches(client: KubeClient, options: PodWatchOptions): PodWatches {
  const { status, expressed = new Set(), signal, changed } = options;
  const kinds = new Set(CONTROLLERS.filter((kind) => !expressed.has(kind)));
  const watches = new Map<string, PodWatch>();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);

  function watchPods(object: KubeObject): PodWatch {
    const watch: PodWatch = { object, failed: new Set(), done: Promise.resolve() };
    watch.done = follow(watch).catch((error: unknown) => {
      if (!signal.aborted) failure.reject(error);
    });
    return watch;
  }
  /** If the account may not read pods, the object's own status counts. */
  async function follow(watch: PodWatch): Promise<void> {
    const { namespace = '' } = watch.object.metadata;
    const labelSelector = selectorText(watch.object);
    for await (const event of client.listWatch(Pod, { namespace, labelSelector, signal })) {
      if (event.type === 'synced') continue;
      if (event.type === 'error') {
        if (isForbidden(event.error)) return;
        continue;
      }
      const { name } = event.object.metadata;
      const hasFailed = event.type !== 'deleted' && (await hasFailedForGood(event.object, status));
      if (hasFailed === watch.failed.has(name)) continue;
      if (hasFailed) watch.failed.add(name);
      else watch.failed.delete(name);
      await changed(watch.object);
    }
  }

  return {
    judge(object, result) {
      const { group, kind } = result.target;
      const hasPods = object !== undefined && kinds.has(`${group}/${kind}`);
      if (!hasPods || result.status !== 'InProgress') return result;
      const id = inventoryId(result.target);
      const watch = watches.get(id) ?? watchPods(object);
      watches.set(id, watch);
      watch.object = object;
      const { size } = watch.failed;
      return size === 0
        ? result
        : { ...result, status: 'Failed', message: `${size} pods have failed` };
    },
    failure: failure.promise,
    async ended() {
      await Promise.all([...watches.values()].map(({ done }) => done));
    },
  };
}

/** Whether a pod has failed for good. A pod that is being deleted, or waits for a node that may still come, has not. */
async function hasFailedForGood(pod: KubeObject, status: StatusFunction): Promise<boolean> {
  if (pod.metadata.deletionTimestamp !== undefined || isUnschedulable(pod)) return false;
  const [result] = await status([pod]);
  return result?.status === 'Failed';
}

function isUnschedulable({ status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as {
    conditions?: { type: string; status: string; reason?: string }[];
  };
  return conditions.some(
    ({ type, status, reason }) =>
      type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  );
}

interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** `spec.selector` as the text of a label selector. */
function selectorText({ spec }: KubeObject): string {
  const { selector = {} } = (spec ?? {}) as { selector?: LabelSelector };
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const others = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator.toLowerCase()} (${values.join(',')})`;
  });
  return [...equal, ...others].join(',');
}
