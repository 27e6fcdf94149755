// The steps that a reconciliation of an ImageUpdateAutomation begins and ends with, with Flux's conditions and events.
import {
  FINALIZER,
  findCondition,
  formatTime,
  type ImageUpdateAutomation,
  type ImageUpdateAutomationStatus,
  isRequested,
  ImageUpdateAutomation as Kind,
  READY,
  Reason,
} from '@weir/api';
import {
  addFinalizer,
  type Outcome,
  type ReconcileContext,
  removeFinalizer,
} from '@weir/controller';
import {
  asFailed,
  asProgressing,
  asSucceeded,
  Failure,
  intervalMs,
  isAwaited,
  isReported,
  newestOf,
  openStatus,
  type StatusSession,
  setFields,
} from '@weir/reconcile';
import type { AutomationEnvironment } from './environment.ts';
import type { ImageRef } from './setters/marker.ts';
import type { Pushed, Synced } from './sync.ts';

const COMPONENT = 'image-automation-controller';
const READY_MESSAGE = 'repository up-to-date';

export interface Run {
  object: ImageUpdateAutomation;
  context: ReconcileContext;
  environment: AutomationEnvironment;
  status: StatusSession<ImageUpdateAutomation, ImageUpdateAutomationStatus>;
  /** Aborts when the run's result is no longer wanted. */
  signal: AbortSignal;
}

/**
 * Begins a run. Undefined when there is nothing to do: the object is gone, being deleted or suspended. As in Flux a request
 * that comes while it is suspended is handled when it is resumed.
 */
export async function beginRun(
  found: ImageUpdateAutomation,
  context: ReconcileContext,
  environment: AutomationEnvironment,
): Promise<Run | undefined> {
  const { client, automations: informer } = environment;
  const newest = await newestOf(found, context, { client, kind: Kind, informer });
  if (newest === undefined) return undefined;
  const writing = { fieldManager: COMPONENT, informer, guard: context.guard };
  if (newest.metadata.deletionTimestamp !== undefined) {
    await removeFinalizer(client, Kind, newest, FINALIZER, writing);
    return undefined;
  }
  const object = await addFinalizer(client, Kind, newest, FINALIZER, writing);
  if (object.spec.suspend) return undefined;
  const status = openStatus<ImageUpdateAutomation, ImageUpdateAutomationStatus>(object, context, {
    ...{ client, kind: Kind, informer, fieldManager: COMPONENT },
    types: {},
  });
  const { generation = 0 } = object.metadata;
  const before = object.status?.observedGeneration ?? -1;
  const message =
    before === generation
      ? 'reconciliation in progress'
      : `processing object: new generation ${before} -> ${generation}`;
  status.update((report) => {
    const isSet = report.states.get(READY) !== undefined;
    const doing = asProgressing(report, message, isSet ? undefined : message);
    return setFields(doing, { lastAutomationRunTime: formatTime(new Date()) });
  });
  if (isAwaited(object)) status.show();
  const signal = AbortSignal.any([context.signal, context.superseded]);
  return { object, context, environment, status, signal };
}

/** Writes the end of a run that left the repository as the policies say. */
export async function succeed(
  { object, status, environment }: Run,
  { revision, isSame, pushed }: Synced,
  chosen: ReadonlyMap<string, ImageRef>,
): Promise<Outcome> {
  status.update((report) => {
    const observed = isSame
      ? report
      : setFields(report, {
          observedSourceRevision: revision,
          observedPolicies: chosen.size === 0 ? undefined : Object.fromEntries(chosen),
        });
    const pushedTo = pushed
      ? setFields(observed, {
          lastPushCommit: pushed.commit,
          lastPushTime: formatTime(pushed.when),
        })
      : observed;
    return asSucceeded(pushedTo, { reason: Reason.Succeeded, message: READY_MESSAGE });
  });
  await status.finish();
  const wasReady = findCondition(object.status?.conditions, READY)?.status === 'True';
  if (pushed || !wasReady) {
    environment.recorders[COMPONENT].event(object, {
      severity: 'info',
      reason: Reason.Succeeded,
      message: pushed ? summaryOf(pushed) : READY_MESSAGE,
      ...(pushed ? { id: `${object.metadata.uid}/${pushed.commit}` } : {}),
    });
  }
  return { requeueAfterMs: intervalMs(object.spec.interval, environment.minIntervalMs) };
}

/** As Flux writes it. */
function summaryOf({ commit, branch, refspec, message }: Pushed): string {
  const also = refspec === undefined ? '' : ` and refspecs '${refspec}'`;
  const line = `pushed commit '${commit.slice(0, 7)}' to branch '${branch}'${also}`;
  return message === '' ? line : `${line}\n${message}`;
}

/**
 * Writes the end of a run that failed, and records it unless the status said so before and nobody asked. Rejects with what is
 * no Failure: the controller tries that again by itself.
 */
export async function fail(run: Run, error: unknown): Promise<Outcome> {
  const { object, status, signal, environment } = run;
  if (signal.aborted || environment.signal.aborted) {
    status.abandon();
    return {};
  }
  if (!(error instanceof Failure)) throw error;
  const { reason, message, stalled } = error;
  const isNews =
    !isReported(object, error) || isRequested(object, object.status?.lastHandledReconcileAt);
  status.update((report) => asFailed(report, error));
  await status.finish();
  if (isNews)
    environment.recorders[COMPONENT].event(object, { severity: 'error', reason, message });
  return stalled ? {} : { retry: error };
}
