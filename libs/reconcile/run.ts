// The steps that runs of all kinds begin and end with where an object is worked on by one pipeline: each kind calls them in its
// own order, and says what it has to add.
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

/** An object of a kind whose runs begin here. */
export type RunnableObject<Status extends CommonStatus> = Reconciled<Status> & {
  spec: { suspend?: boolean };
};

/** One run of one object: what it was given, and what it says so far. */
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
  /** The field manager of all that is written. */
  fieldManager: string;
  types: ConditionTypes;
  /** Lets go of what there is of an object that is being deleted, before its finalizer is taken away. */
  release?(object: T): Promise<void> | void;
  /** What the status says of an object that is suspended; that a request is handled unless given. */
  suspended?(report: StatusReport<Status>, object: T): StatusReport<Status>;
  /** True for a kind that, as in Flux, handles a request that comes while it is suspended when it is resumed. */
  keepsRequests?: boolean;
  /** What the status says of a run that begins. */
  begun(report: StatusReport<Status>, object: T): StatusReport<Status>;
  /** Whether somebody waits to see that the run has begun. */
  isAwaited(object: T): boolean;
}

/**
 * Begins a run. Undefined when there is nothing to do: the object is gone or suspended, or it is being deleted, and then its
 * finalizer is taken away.
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
    // As in Flux: a request counts as handled, so that nothing is done for it when the object is resumed.
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
 * Writes the end of a run that failed, and records it unless the status said so before and nobody asked. Rejects with what
 * is no Failure: the controller tries that again by itself.
 * @param stopping aborts when the service stops: then the end is left to the next run
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
