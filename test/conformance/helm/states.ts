// What a step waits for: a state of a HelmRelease after its last change and request.
import {
  findCondition,
  type HelmReleaseStatus,
  READY,
  RECONCILE_REQUEST,
  STALLED,
} from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { statusOf } from './objects.ts';

export type State = 'ready' | 'stalled' | 'failing' | 'done';

/** `asked` doesn't wait. What an object names has to hold as well. */
export type Condition = State | 'asked' | 'gone' | Wanted;

export interface Wanted {
  /** `done` unless given. */
  state?: State;
  /** Of the latest release in the history. */
  version?: number;
  name?: string;
  chart?: string;
  tested?: true;
  /** The last attempted revision. */
  revision?: string;
  installFailures?: number;
  /** The reason of one of the conditions. */
  reason?: string;
}

/** Whether the HelmRelease has reached the state, with its present generation and the last request answered. */
export function isReached(object: KubeObject, condition: State | Wanted): boolean {
  const wanted: Wanted = typeof condition === 'string' ? { state: condition } : condition;
  const status = statusOf(object);
  return isInState(object, status, wanted.state ?? 'done') && has(status, wanted);
}

function isInState(object: KubeObject, status: HelmReleaseStatus, state: State): boolean {
  const { conditions, observedGeneration, lastHandledReconcileAt } = status;
  const request = object.metadata.annotations?.[RECONCILE_REQUEST];
  if (request !== undefined && request !== lastHandledReconcileAt) return false;
  const { generation } = object.metadata;
  const ready = findCondition(conditions, READY);
  const isStalled = findCondition(conditions, STALLED)?.status === 'True';
  if (ready?.observedGeneration !== generation) return false;
  if (state === 'failing') return ready?.status === 'False' && !isStalled;
  if (observedGeneration !== generation) return false;
  const isReady = ready?.status === 'True';
  if (state === 'done') return isReady || isStalled;
  return state === 'ready' ? isReady : isStalled;
}

function has(status: HelmReleaseStatus, wanted: Wanted): boolean {
  const { history = [], conditions = [], lastAttemptedRevision, installFailures } = status;
  const [latest] = history;
  const holds: Record<string, boolean> = {
    version: latest?.version === wanted.version,
    name: latest?.name === wanted.name,
    chart: latest?.chartName === wanted.chart,
    tested: Object.keys(latest?.testHooks ?? {}).length > 0,
    revision: lastAttemptedRevision === wanted.revision,
    installFailures: installFailures === wanted.installFailures,
    reason: conditions.some(({ reason }) => reason === wanted.reason),
  };
  return Object.keys(wanted).every((key) => holds[key] !== false);
}
