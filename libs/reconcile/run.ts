// The steps that begin and end the runs of kinds with one pipeline for each object. Each kind calls them in its own
// order, and adds what is special.
import { FINALIZER, isRequested } from '@weir/api';
import {
  type Informer,
  type Outcome,
  type ReconcileContext,
  removeFinalizer,
} from '@weir/controller';
import type { Recorder } from '@weir/events';
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';
import { claimObject } from './claim.ts';
import { Failure } from './failure.ts';
import {
  asFailed,
  type CommonStatus,
  type ConditionTypes,
  isReported,
  type Reconciled,
  type StatusReport,
} from './status-report.ts';
import { openStatus, type StatusSession } from './status-session.ts';

/** An object of a kind whose runs use these steps. */
export type RunnableObject<Status extends CommonStatus> = Reconciled<Status> & {
  spec: { suspend?: boolean };
};

/** One run of one object: its inputs, and the status that it reports so far. */
export interface ObjectRun<T extends RunnableObject<Status>, Status extends CommonStatus> {
  object: T;
  context: ReconcileContext;
  status: StatusSession<T, Status>;
  /** Aborts when the run's result is no longer wanted. */
  signal: AbortSignal;
}

export interface RunBeginning<T extends RunnableObject<Status>, Status extends CommonStatus> {
  client: KubeClient;
  kind: ResourceType;
  informer: Informer<T>;
  /** The field manager of all writes. */
  fieldManager: string;
  types: ConditionTypes;
  /** Releases what exists for an object that is being deleted, before its finalizer is removed. */
  release?(object: T): Promise<void> | void;
  /** The report of an object that is suspended; that a request was handled unless given. */
  suspended?(report: StatusReport<Status>, object: T): StatusReport<Status>;
  /** True for a kind that, as in Flux, handles a request made during suspension when the object is resumed. */
  keepsRequests?: boolean;
  /** The report at the start of a run. */
  begun(report: StatusReport<Status>, object: T): StatusReport<Status>;
  /** Whether the start of a run should be visible in the status. */
  isAwaited(object: T): boolean;
}

/**
 * Begins a run. Undefined when there is nothing to do: the object is gone or suspended, or it is being deleted, in
 * which case its finalizer is removed.
 */
export async function beginObjectRun<T extends RunnableObject<Status>, Status extends CommonStatus>(
  found: T,
  context: ReconcileContext,
  beginning: RunBeginning<T, Status>,
): Promise<ObjectRun<T, Status> | undefined> {
  const { client, kind, informer, fieldManager, types } = beginning;
  const claimed = await claimObject(found, context, { client, kind, informer, fieldManager });
  if (claimed === undefined) return undefined;
  const { object } = claimed;
  if (claimed.deleting) {
    await beginning.release?.(object);
    const writing = { fieldManager, informer, guard: context.guard };
    await removeFinalizer(client, kind, object, FINALIZER, writing);
    return undefined;
  }
  const status = openStatus<T, Status>(object, context, {
    ...{ client, kind, informer, fieldManager, types },
  });
  if (object.spec.suspend) {
    const { suspended } = beginning;
    if (suspended !== undefined) status.update((report) => suspended(report, object));
    // As in Flux, a request counts as handled, so that nothing is done for it when the object is resumed.
    const isAsked =
      !beginning.keepsRequests && isRequested(object, object.status?.lastHandledReconcileAt);
    if (isAsked || suspended !== undefined) await status.finish();
    return undefined;
  }
  status.update((report) => beginning.begun(report, object));
  if (beginning.isAwaited(object)) status.show();
  const signal = AbortSignal.any([context.signal, context.superseded]);
  return { object, context, status, signal };
}

/**
 * Writes the final status of a failed run, and publishes an event unless the status had the same failure before and no
 * run was requested. Rejects with an error that is no Failure, which makes the controller try again.
 * @param stopping aborts when the service stops: then the next run writes the status
 */
export async function failObjectRun<T extends RunnableObject<Status>, Status extends CommonStatus>(
  { object, status, signal }: Pick<ObjectRun<T, Status>, 'object' | 'status' | 'signal'>,
  error: unknown,
  { recorder, stopping }: { recorder: Pick<Recorder, 'event'>; stopping: AbortSignal },
): Promise<Outcome> {
  if (signal.aborted || stopping.aborted) {
    status.abandon();
    return {};
  }
  if (!(error instanceof Failure)) throw error;
  const { reason, message, stalled, event } = error;
  const isNews =
    !isReported(object, error) || isRequested(object, object.status?.lastHandledReconcileAt);
  status.update((report) => asFailed(report, error));
  await status.finish();
  if (isNews && event !== 'none') {
    recorder.event(object as KubeObject, { severity: 'error', reason, message, ...event });
  }
  if (stalled) return {};
  return error.retryMs === undefined ? { retry: error } : { requeueAfterMs: error.retryMs };
}
