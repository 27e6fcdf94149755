// What a process remembers of HelmReleases between their runs. All of it may be lost: the next run finds it out again.
import {
  type AttemptedRevisions,
  createAttemptedRevisions,
  createDependencyWatches,
  createWaiters,
  type DependencyWatches,
  type Waiters,
} from '@weir/reconcile';
import type { Logger } from '@weir/telemetry';
import { createDeletedWorkloads, type DeletedWorkloads } from './release/deleted-workloads.ts';

/** Keys are `<namespace>/<name>`. */
export interface Memory {
  waiters: Waiters;
  dependencyWatches: DependencyWatches;
  attemptedRevisions: AttemptedRevisions;
  deletedWorkloads: DeletedWorkloads;
  /** How many runs in a row ended with the request for another one at once. */
  runsInRow: Map<string, number>;
  /** The last applied state of `spec.chart`, as JSON. */
  chartObjects: Map<string, string>;
}

/** The caller closes the dependency watches. */
export function createMemory(log: Logger): Memory {
  return {
    waiters: createWaiters(),
    dependencyWatches: createDependencyWatches(log),
    attemptedRevisions: createAttemptedRevisions(),
    deletedWorkloads: createDeletedWorkloads(),
    runsInRow: new Map(),
    chartObjects: new Map(),
  };
}

/** For a HelmRelease that is suspended or gone. */
export function forget(memory: Memory, key: string): void {
  memory.waiters.forget(key);
  memory.dependencyWatches.done(key);
  memory.attemptedRevisions.forget(key);
  memory.deletedWorkloads.forget(key);
  memory.runsInRow.delete(key);
  memory.chartObjects.delete(key);
}
