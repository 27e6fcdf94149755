// What a run says about its object, as a value: every function returns a new report and leaves the given one alone.
// A kind gives its condition types and its words; what the conditions have in common for all kinds of Flux is here.
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

/** What one condition says. */
export type State = Pick<Condition, 'status' | 'reason' | 'message'>;

/** A state with the generation of the object that it is about: the present one where none is given. */
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
  /** The types among them that tell of failures of the kind, such as `FetchFailed`. */
  readonly failures: readonly string[];
}

/** The condition types of a kind besides Ready, Reconciling and Stalled. */
export interface ConditionTypes {
  /** True tells of a failure; at most one at a time is. */
  failures?: readonly string[];
  others?: readonly string[];
}

/** Begins with what the status says: what the run says nothing about stays as it was. */
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

/** Says this of a condition, of the present generation; `undefined` removes the condition. */
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

/** A run is under way, and with what. `ready` is what Ready says meanwhile; without it Ready stays. */
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
 * A run failed: Ready is False, and so says the kind's own condition. One that may work the next time goes on
 * reconciling, with what it was doing or with `doing`; one that stalled waits for another generation.
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

/** A run did what the spec says: Ready is True for this generation, and nothing is under way or wrong. */
export function asSucceeded<Status extends CommonStatus>(
  report: StatusReport<Status>,
  state: Pick<State, 'reason' | 'message'>,
): StatusReport<Status> {
  const clean = dropStates(report, [RECONCILING, STALLED, ...report.failures]);
  const next = setState(clean, READY, { ...state, status: 'True' });
  return { ...next, fields: { ...next.fields, observedGeneration: report.generation } };
}

/**
 * The status to write. `persisted` is the status that the cluster has now: conditions keep their transition time where
 * it says the same, since a state that nobody could see was no transition.
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
    // Where there are none yet, an empty list would be a write that says nothing.
    ...(conditions.length > 0 || persisted?.conditions ? { conditions } : {}),
    ...(handled === undefined ? {} : { lastHandledReconcileAt: handled }),
  } as Status;
}

/** The same at the end of a run, which answers the request that the object carries. */
export function finalStatusOf<Status extends CommonStatus>(
  report: StatusReport<Status>,
  object: Reconciled<Status>,
  persisted: Status | undefined = object.status,
): Status {
  const request = reconcileRequest(object);
  const status = statusOf(report, persisted);
  return request ? { ...status, lastHandledReconcileAt: request } : status;
}

/** Whether the status already says exactly this failure of this generation. */
export function isReported(object: Reconciled<CommonStatus>, failure: Failure): boolean {
  const ready = findCondition(object.status?.conditions, READY);
  return (
    ready?.status === 'False' &&
    ready.reason === failure.reason &&
    ready.message === failure.message &&
    ready.observedGeneration === object.metadata.generation
  );
}

/** Whether somebody waits to see that a run has begun: for a new generation or a request. */
export function isAwaited(object: Reconciled<CommonStatus>): boolean {
  const { observedGeneration, lastHandledReconcileAt } = object.status ?? {};
  return (
    observedGeneration !== object.metadata.generation || isRequested(object, lastHandledReconcileAt)
  );
}

/** Without the rest of a condition, its transition time above all. */
function plain({ status, reason, message }: State): State {
  return { status, reason, message };
}

function generationOf({ observedGeneration }: Stated): Pick<Condition, 'observedGeneration'> {
  return observedGeneration === undefined ? {} : { observedGeneration };
}
