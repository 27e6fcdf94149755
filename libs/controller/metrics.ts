// The metrics of a controller. `gotk_*` have Flux's names, labels and buckets, so that Flux's dashboards work.
import { conditionsOf, findCondition, READY } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import type { Metrics } from '@weir/telemetry';
import type { Queue, Turn } from './queue.ts';

const STATUSES = ['True', 'False', 'Unknown'];
/** Upper bounds in seconds: ten from 10 ms to half an hour, each larger than the one before by the same factor. */
const DURATION_BUCKETS = exponential(0.01, 1_800, 10);
const WAIT_BUCKETS = exponential(0.001, 600, 10);

export function createControllerMetrics(metrics: Metrics, controller: string, kind: string) {
  const condition = metrics.gauge(
    'gotk_reconcile_condition',
    'The current condition status of a GitOps Toolkit resource reconciliation.',
  );
  const suspended = metrics.gauge(
    'gotk_suspend_status',
    'The current suspend status of a GitOps Toolkit resource.',
  );
  const duration = metrics.histogram(
    'gotk_reconcile_duration_seconds',
    'The duration in seconds of a GitOps Toolkit resource reconciliation.',
    DURATION_BUCKETS,
  );
  const runs = metrics.counter('weir_reconciles_total', 'Reconciliations, by how they ended.');
  const queueWait = metrics.histogram(
    'weir_queue_wait_seconds',
    'Time that an object stood in line for a worker.',
    WAIT_BUCKETS,
  );
  const queued = metrics.gauge('weir_queue_objects', 'Objects in the queue, by what they do.');
  const owned = metrics.gauge('weir_owned_objects', 'Objects that this replica owns.');
  const replicas = metrics.gauge('weir_replicas', 'Live replicas that this one knows.');

  const labelsOf = ({ metadata: { namespace = '', name } }: KubeObject) => ({
    kind,
    name,
    namespace,
  });

  function queue(stats: ReturnType<Queue['stats']>) {
    const { ready, running, waiting } = stats;
    for (const [state, count] of Object.entries({ ready, running, waiting })) {
      queued.set(count, { controller, state });
    }
  }

  return {
    /** Records Ready and suspend as the object states them. */
    state(object: KubeObject) {
      const labels = labelsOf(object);
      const status = findCondition(conditionsOf(object), READY)?.status ?? 'Unknown';
      for (const one of STATUSES) {
        condition.set(one === status ? 1 : 0, { ...labels, type: READY, status: one });
      }
      suspended.set(isSuspended(object) ? 1 : 0, labels);
    },
    /** Removes the object's metrics, because it was deleted or another replica owns it. */
    forget(object: KubeObject) {
      const labels = labelsOf(object);
      for (const status of STATUSES) condition.remove({ ...labels, type: READY, status });
      suspended.remove(labels);
      duration.remove(labels);
    },
    duration: (object: KubeObject, ms: number) => duration.record(ms / 1000, labelsOf(object)),
    started(turn: Turn, stats: ReturnType<Queue['stats']>) {
      queueWait.record(turn.queuedMs / 1000, { controller });
      queue(stats);
    },
    ended(outcome: string, stats: ReturnType<Queue['stats']>) {
      runs.add(1, { controller, outcome });
      queue(stats);
    },
    objects: (count: number) => owned.set(count, { controller }),
    replicas: (count: number) => replicas.set(count),
  };
}

function isSuspended({ spec }: KubeObject): boolean {
  return typeof spec === 'object' && spec !== null && 'suspend' in spec && spec.suspend === true;
}

/** Bucket bounds as `ExponentialBucketsRange` of Prometheus' Go client makes them. */
function exponential(min: number, max: number, count: number): number[] {
  const factor = (max / min) ** (1 / (count - 1));
  return Array.from({ length: count }, (_, n) => Number((min * factor ** n).toPrecision(12)));
}
