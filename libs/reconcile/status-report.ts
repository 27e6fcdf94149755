// What a run reports about its object, as a value: every function returns a new report and leaves the given one alone.
// A kind defines its condition types and messages; what conditions of all Flux kinds have in common is here.
import {
  type Condition,
  findCondition,
  isRequested,
  READY,
  RECONCILING,
  Reason,
  reconcileRequest,
  removeCondition,
  STALLED,
  setCondition,
} from '@weir/api';
import type { KubeObject } from '@weir/kube';
import type { Failure } from './failure.ts';

/** The state of one condition. */
export type State = Pick<Condition, 'status' | 'reason' | 'message'>;

/** A state with the generation of the object that it is about; the present one if none is given. */
type Stated = State & Pick<Condition, 'observedGeneration'>;

/** The parts of a status that all kinds of Flux have. */
export interface CommonStatus {
  conditions?: Condition[];
  observedGeneration?: number;
  lastHandledReconcileAt?: string;
}

/** An object of a kind of Flux. */
export type Reconciled<Status extends CommonStatus> = KubeObject & { status?: Status };

/** The fields of a status beside its conditions. `lastHandledReconcileAt` is missing, because the report writes it by itself. */
export type Fields<Status> = Omit<Status, 'conditions' | 'lastHandledReconcileAt'>;

export interface StatusReport<Status extends CommonStatus> {
  /** The generation of the object that the run works on. */
  readonly generation: number;
  readonly fields: Fields<Status>;
  /** By type; undefined for a condition that is to be absent. Conditions of other types stay as they are. */
  readonly states: ReadonlyMap<string, Stated | undefined>;
  /** The condition types that report failures of the kind, such as `FetchFailed`. */
  readonly failures: readonly string[];
}

/** The condition types of a kind besides Ready, Reconciling and Stalled. */
export interface ConditionTypes {
  /** Types of which True means a failure; at most one of them is True. */
  failures?: readonly string[];
  others?: readonly string[];
}

/** Starts from the present status: what the run doesn't report stays as it is. */
export function beginReport<Status extends CommonStatus>(
  object: Reconciled<Status>,
  { failures = [], others = [] }: ConditionTypes,
): StatusReport<Status> {
  const { conditions, lastHandledReconcileAt: _, ...fields } = object.status ?? ({} as Status);
  const types = [READY, RECONCILING, STALLED, ...failures, ...others];
  return {
    generation: object.metadata.generation ?? 0,
    fields,
    states: new Map(types.map((type) => [type, findCondition(conditions, type)])),
    failures,
  };
}

/** Sets fields; `undefined` removes one. */
export function setFields<Status extends CommonStatus>(
  report: StatusReport<Status>,
  fields: { [Name in keyof Fields<Status>]?: Fields<Status>[Name] | undefined },
): StatusReport<Status> {
  const all = Object.entries({ ...report.fields, ...fields });
  const set = Object.fromEntries(all.filter(([, value]) => value !== undefined));
  return { ...report, fields: set as Fields<Status> };
}

/** Sets a condition for the present generation; `undefined` removes the condition. */
export function setState<Status extends CommonStatus>(
  report: StatusReport<Status>,
  type: string,
  state: State | undefined,
): StatusReport<Status> {
  const states = new Map(report.states);
  states.set(type, state && plain(state));
  return { ...report, states };
}

export function dropStates<Status extends CommonStatus>(
  report: StatusReport<Status>,
  types: readonly string[],
): StatusReport<Status> {
  return types.reduce((before, type) => setState(before, type, undefined), report);
}

/** Reports the step that is under way. `ready` is the state of Ready meanwhile; without it Ready stays. */
export function asProgressing<Status extends CommonStatus>(
  report: StatusReport<Status>,
  message: string,
  ready?: string,
): StatusReport<Status> {
  const reason = Reason.Progressing;
  const under = dropStates(report, [STALLED]);
  const doing = setState(under, RECONCILING, { status: 'True', reason, message });
  return ready === undefined
    ? doing
    : setState(doing, READY, { status: 'Unknown', reason, message: ready });
}

/**
 * Reports a failure: Ready is False, and the kind's own condition is True. If it is tried again, Reconciling stays with
 * its step or with `doing`; if it is stalled, Stalled stays until the generation changes.
 */
export function asFailed<Status extends CommonStatus>(
  report: StatusReport<Status>,
  {
    reason,
    message,
    condition,
    stalled,
  }: Pick<Failure, 'reason' | 'message' | 'condition' | 'stalled'>,
  doing?: string,
): StatusReport<Status> {
  const failed = { status: 'True', reason, message } as const;
  let next = setState(report, READY, { status: 'False', reason, message });
  if (condition !== undefined) next = setState(next, condition, failed);
  const others = condition === undefined ? [] : report.failures.filter((it) => it !== condition);
  next = dropStates(next, others);
  if (stalled) {
    next = dropStates(setState(next, STALLED, failed), [RECONCILING]);
    return { ...next, fields: { ...next.fields, observedGeneration: report.generation } };
  }
  next = dropStates(next, [STALLED]);
  const retrying = doing ?? report.states.get(RECONCILING)?.message;
  if (retrying === undefined) return next;
  const reconciling = {
    status: 'True',
    reason: Reason.ProgressingWithRetry,
    message: retrying,
  } as const;
  return setState(next, RECONCILING, reconciling);
}

/** Reports success: Ready is True for this generation, and no condition of a step or a failure remains. */
export function asSucceeded<Status extends CommonStatus>(
  report: StatusReport<Status>,
  state: Pick<State, 'reason' | 'message'>,
): StatusReport<Status> {
  const clean = dropStates(report, [RECONCILING, STALLED, ...report.failures]);
  const next = setState(clean, READY, { ...state, status: 'True' });
  return { ...next, fields: { ...next.fields, observedGeneration: report.generation } };
}

/**
 * The status to write. `persisted` is the status in the cluster: a condition with the same state there keeps its
 * transition time, because a state that nobody could see was no transition.
 */
export function statusOf<Status extends CommonStatus>(
  report: StatusReport<Status>,
  persisted: Status | undefined,
): Status {
  const conditions = [...report.states].reduce<Condition[]>(
    (list, [type, state]) =>
      state === undefined
        ? removeCondition(list, type)
        : setCondition(list, {
            observedGeneration: report.generation,
            type,
            ...plain(state),
            ...generationOf(state),
          }),
    persisted?.conditions ?? [],
  );
  const handled = persisted?.lastHandledReconcileAt;
  return {
    ...report.fields,
    // When there is no condition yet, an empty list would be a write without content.
    ...(conditions.length > 0 || persisted?.conditions ? { conditions } : {}),
    ...(handled === undefined ? {} : { lastHandledReconcileAt: handled }),
  } as Status;
}

/** The same at the end of a run, with the request that the object carries as handled. */
export function finalStatusOf<Status extends CommonStatus>(
  report: StatusReport<Status>,
  object: Reconciled<Status>,
  persisted: Status | undefined = object.status,
): Status {
  const request = reconcileRequest(object);
  const status = statusOf(report, persisted);
  return request ? { ...status, lastHandledReconcileAt: request } : status;
}

/** Whether the status already has exactly this failure for this generation. */
export function isReported(object: Reconciled<CommonStatus>, failure: Failure): boolean {
  const ready = findCondition(object.status?.conditions, READY);
  return (
    ready?.status === 'False' &&
    ready.reason === failure.reason &&
    ready.message === failure.message &&
    ready.observedGeneration === object.metadata.generation
  );
}

/** Whether the start of a run should be visible in the status: for a new generation or a request. */
export function isAwaited(object: Reconciled<CommonStatus>): boolean {
  const { observedGeneration, lastHandledReconcileAt } = object.status ?? {};
  return (
    observedGeneration !== object.metadata.generation || isRequested(object, lastHandledReconcileAt)
  );
}

/** The state alone, without other fields of a condition such as its transition time. */
function plain({ status, reason, message }: State): State {
  return { status, reason, message };
}

function generationOf({ observedGeneration }: Stated): Pick<Condition, 'observedGeneration'> {
  return observedGeneration === undefined ? {} : { observedGeneration };
}
