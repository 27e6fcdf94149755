// The conditions of sources, with the messages of Flux's source-controller. Each function takes a report and returns a
// new one.
import {
  ARTIFACT_IN_STORAGE,
  ARTIFACT_OUTDATED,
  type Artifact,
  BUILD_FAILED,
  FETCH_FAILED,
  findCondition,
  INCLUDE_UNAVAILABLE,
  READY,
  Reason,
  SOURCE_VERIFIED,
  STORAGE_OPERATION_FAILED,
} from '@weir/api';
import {
  asProgressing,
  asSucceeded,
  type ConditionTypes,
  dropStates,
  isAwaited as isRunAwaited,
  type StatusReport,
  setFields,
  setState,
} from '@weir/reconcile';
import type { SourceObject, SourceStatus } from './source.ts';

export const CONDITION_TYPES: ConditionTypes = {
  failures: [FETCH_FAILED, BUILD_FAILED, STORAGE_OPERATION_FAILED, INCLUDE_UNAVAILABLE],
  others: [ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, SOURCE_VERIFIED],
};

type Report = StatusReport<SourceStatus>;

/**
 * For the start of a run, before the remote is asked. A missing signature is looked for again; one that was verified
 * belongs to the artifact, and stays.
 */
export function asBegun(before: Report, object: SourceObject): Report {
  const isUnverified = before.states.get(SOURCE_VERIFIED)?.status === 'False';
  return asStarted(isUnverified ? dropStates(before, [SOURCE_VERIFIED]) : before, object);
}

function asStarted(report: Report, object: SourceObject): Report {
  if (!object.status?.artifact) return asBuilding(report, 'building artifact');
  const { generation } = report;
  const before = object.status.observedGeneration ?? -1;
  const message =
    before === generation
      ? 'reconciliation in progress'
      : `processing object: new generation ${before} -> ${generation}`;
  const isReadySet = report.states.get(READY) !== undefined;
  return asProgressing(report, message, isReadySet ? undefined : message);
}

/** For a remote with a revision that isn't stored; `message` says which. */
export function asOutdated(
  report: Report,
  object: SourceObject,
  message: string,
  reason: string = Reason.NewRevision,
): Report {
  const building = asBuilding(report, `building artifact: ${message}`);
  if (!object.status?.artifact) return building;
  return setState(building, ARTIFACT_OUTDATED, { status: 'True', reason, message });
}

/** For a status whose artifact the store has lost. */
export function asLost(report: Report): Report {
  return asBuilding(report, 'building artifact: disappeared from storage');
}

function asBuilding(report: Report, message: string): Report {
  return asProgressing(report, message, message);
}

/** For an artifact that is in the store; `message` describes it. */
export function asStored(
  report: Report,
  artifact: Artifact,
  message: string,
  reason: string = Reason.Succeeded,
): Report {
  const ready = dropStates(asSucceeded(report, { reason, message }), [ARTIFACT_OUTDATED]);
  const stored = setState(ready, ARTIFACT_IN_STORAGE, { status: 'True', reason, message });
  return setFields(stored, { artifact });
}

/**
 * Whether the start of a run should be visible in the status: for a new generation, a request, or the first artifact.
 */
export function isAwaited(object: SourceObject): boolean {
  return isRunAwaited(object) || object.status?.artifact === undefined;
}

/** Whether a condition reports a failure that a success would end. */
export function hasFailed(object: SourceObject): boolean {
  return [FETCH_FAILED, BUILD_FAILED, STORAGE_OPERATION_FAILED, INCLUDE_UNAVAILABLE].some(
    (type) => findCondition(object.status?.conditions, type) !== undefined,
  );
}
