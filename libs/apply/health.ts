// Waits until objects are healthy. It watches them, so that a wait costs no requests while nothing happens.
import type { KubeObject } from '@weir/kube';
import { aborted } from './aborted.ts';
import type {
  Health,
  HealthCluster,
  HealthOptions,
  HealthResult,
  HealthTarget,
  ObjectStatus,
  StatusFunction,
  TargetStatuses,
} from './health-types.ts';
import { readLatest, watchTargets } from './health-watch.ts';
import { inventoryId } from './inventory.ts';
import { type ObjectTarget, subjectOf, targetOf } from './objects.ts';
import { createPodWatches, type PodWatches } from './pods.ts';

/**
 * Waits until all targets are healthy, one failed or the time is over. Never throws for an unhealthy
 * object; rejects with the signal's reason when that aborts.
 */
export async function waitForHealth(
  cluster: HealthCluster,
  targets: readonly HealthTarget[],
  options: HealthOptions,
): Promise<Health> {
  const { status, expressed } = options;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(TIMEOUT), options.timeoutMs);
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const changed = (object: KubeObject) => statuses.show([object]);
  const pods = createPodWatches(cluster.client, { status, expressed, signal, changed });
  const statuses = createTargetStatuses(targets, options, pods);
  const watches: Promise<void>[] = [];
  try {
    await statuses.show(targets.flatMap(({ object }) => object ?? []));
    if (statuses.isSettled()) return statuses.verdict(false);
    watches.push(...watchTargets(cluster, statuses, { ...options, signal }));
    const ends = [...watches.map(failures), pods.failure, aborted(signal)];
    await Promise.race([statuses.settled, ...ends]);
  } finally {
    clearTimeout(timer);
    stop.abort(DONE);
    await Promise.allSettled([...watches, pods.ended()]);
  }
  options.signal.throwIfAborted();
  if (!statuses.isSettled()) await readLatest(cluster, statuses, options.signal);
  return statuses.verdict(!statuses.isSettled());
}

/** Whether all were healthy at their last check, so that there is nothing to wait for. */
export async function areHealthy(
  targets: readonly HealthTarget[],
  status: StatusFunction,
): Promise<boolean> {
  const seen = targets.flatMap(({ object }) => object ?? []);
  if (seen.length < targets.length) return false;
  const results = await statusesOf(seen, status);
  return results.every(({ status }) => status === 'Current');
}

async function statusesOf(
  objects: readonly KubeObject[],
  status: StatusFunction,
): Promise<HealthResult[]> {
  const results: HealthResult[] = [];
  for (let start = 0; start < objects.length; start += STATUS_BATCH) {
    const batch = objects.slice(start, start + STATUS_BATCH);
    const statuses = await status(batch);
    for (const [index, object] of batch.entries()) {
      const found = statuses[index] ?? { status: 'Unknown' };
      // A status that is Unknown could not be computed, and its message says why.
      const isError = found.status === 'Unknown' && found.message !== undefined;
      const error = isError ? { error: found.message ?? '' } : {};
      const { resourceVersion } = object.metadata;
      const version = resourceVersion === undefined ? {} : { resourceVersion };
      results.push({ target: targetOf(object), ...found, ...version, ...error });
    }
  }
  return results;
}

const TIMEOUT = new Error('timeout');
const DONE = new Error('done');
/** The number of objects in one call of the status function. */
const STATUS_BATCH = 100;

/** Never resolves, and rejects with the failure of a watch, such as a status that can't be computed. */
async function failures(watch: Promise<void>): Promise<never> {
  await watch;
  return new Promise(() => undefined);
}

function createTargetStatuses(
  targets: readonly HealthTarget[],
  options: HealthOptions,
  pods: Pick<PodWatches, 'judge'>,
): TargetStatuses {
  const { status, failFast, vanishing = new Set() } = options;
  const results = new Map<string, HealthResult>(
    targets.map(({ target }) => [inventoryId(target), { target, status: 'Unknown' }]),
  );
  const settled = Promise.withResolvers<void>();

  function isHealthy(id: string, { status }: ObjectStatus): boolean {
    return status === 'Current' || (status === 'NotFound' && vanishing.has(id));
  }
  function isSettled(): boolean {
    const open = [...results].filter(([id, result]) => !isHealthy(id, result));
    const failed = open.filter(([, result]) => result.status === 'Failed');
    return failed.length === open.length || (failFast && failed.length > 0);
  }
  function put(found: readonly HealthResult[]): void {
    for (const result of found) {
      const id = inventoryId(result.target);
      if (results.has(id)) results.set(id, result);
    }
    if (isSettled()) settled.resolve();
  }
  async function show(objects: KubeObject[]): Promise<void> {
    const found = await statusesOf(objects, status);
    put(found.map((result, index) => pods.judge(objects[index], result)));
  }
  function open(): ObjectTarget[] {
    return [...results].flatMap(([id, result]) => (isHealthy(id, result) ? [] : result.target));
  }
  function verdict(timedOut: boolean): Health {
    const all = [...results.values()];
    const bad = [...results]
      .filter(([id, result]) => (timedOut ? !isHealthy(id, result) : result.status === 'Failed'))
      .map(([, { target, status, error }]) =>
        [`${subjectOf(target)} status: '${status}'`, ...(error === undefined ? [] : [error])].join(
          ': ',
        ),
      );
    if (bad.length === 0) return { healthy: true, results: all };
    const why = timedOut ? 'timeout waiting for' : 'failed early due to stalled resources';
    return { healthy: false, message: `${why}: [${bad.sort().join(', ')}]`, results: all };
  }
  const get = (target: ObjectTarget) => results.get(inventoryId(target));
  return { show, put, get, open, isSettled, settled: settled.promise, verdict };
}
