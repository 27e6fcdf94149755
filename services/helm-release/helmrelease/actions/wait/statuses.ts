// What "ready" means in the different waits of Helm and Flux: functions from live objects to statuses of kstatus.
import type { ObjectStatus, StatusFunction } from '@weir/apply';
import { type KubeObject, parseApiVersion } from '@weir/kube';

/** `<group>/<Kind>` */
export function kindKey({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  return `${parseApiVersion(apiVersion).group}/${kind}`;
}

const JOB = 'batch/Job';
const POD = '/Pod';

/** kstatus of everything, but with Jobs that are ready as soon as they have begun (kstatus' own rule). */
export function withoutWaitingForJobs(status: StatusFunction): StatusFunction {
  return async (objects) => {
    const found = await status(objects);
    return found.map((result, index) => {
      const object = objects[index];
      return object !== undefined && kindKey(object) === JOB ? begunJob(object) : result;
    });
  };
}

/**
 * When a hook is done: a Job and a Pod when they have finished, a kind with expressions of the user's when these say
 * so, and any other object at once. `expressed` holds the kinds with expressions as `<group>/<Kind>`.
 */
export function hookStatus(status: StatusFunction, expressed: ReadonlySet<string>): StatusFunction {
  return async (objects) => {
    const found = await status(objects);
    return found.map((result, index) => {
      const object = objects[index];
      if (object === undefined) return result;
      const key = kindKey(object);
      if (expressed.has(key) || key === JOB) return result;
      return key === POD ? donePod(object) : { status: 'Current' };
    });
  };
}

/** Whether a hook has to be waited for at all. */
export function isAwaitedHook(object: KubeObject, expressed: ReadonlySet<string>): boolean {
  const key = kindKey(object);
  return key === JOB || key === POD || expressed.has(key);
}

interface JobStatus {
  startTime?: string;
  conditions?: { type: string; status: string }[];
}

function begunJob(job: KubeObject): ObjectStatus {
  const { startTime, conditions = [] } = (job.status ?? {}) as JobStatus;
  const isTrue = (type: string) =>
    conditions.some((condition) => condition.type === type && condition.status === 'True');
  if (isTrue('Complete')) return { status: 'Current' };
  if (isTrue('Failed')) return { status: 'Failed' };
  return { status: startTime === undefined ? 'InProgress' : 'Current' };
}

function donePod({ status }: KubeObject): ObjectStatus {
  const { phase } = (status ?? {}) as { phase?: string };
  if (phase === 'Succeeded') return { status: 'Current' };
  return { status: phase === 'Failed' ? 'Failed' : 'InProgress' };
}
