// The status of a GitRepository after each possible end of a reconciliation, as Flux's source-controller writes it:
// plain functions from the object as it was to the status as it shall be.
import {
  ARTIFACT_IN_STORAGE,
  ARTIFACT_OUTDATED,
  type Artifact,
  type Condition,
  FETCH_FAILED,
  findCondition,
  type GitRepository,
  type GitRepositoryStatus,
  isRequested,
  READY,
  RECONCILING,
  Reason,
  reconcileRequest,
  removeCondition,
  STALLED,
  STORAGE_OPERATION_FAILED,
  setCondition,
} from '@weir/api';
import type { SourceFailure } from './failure.ts';

type State = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** What the run found out before it ended. */
export interface Progress {
  /** The revision to store, once the remote has told it and if it isn't the one in the status. */
  newRevision?: string;
  /** The status names an artifact that can't be found in storage any more. */
  artifactLost?: boolean;
}

/** Whether somebody waits to see that a run has begun: for a new generation, a request, or the first artifact. */
export function isAwaited(object: GitRepository): boolean {
  const { observedGeneration, lastHandledReconcileAt, artifact } = object.status ?? {};
  return (
    observedGeneration !== object.metadata.generation ||
    isRequested(object, lastHandledReconcileAt) ||
    artifact === undefined
  );
}

/** While something is fetched and stored. */
export function inProgress(object: GitRepository, progress: Progress): GitRepositoryStatus {
  const doing = reconcilingMessage(object, progress);
  const drifted = progress.newRevision !== undefined || !hasArtifact(object, progress);
  const ready = findCondition(object.status?.conditions, READY);
  return edit(
    object,
    [
      { type: RECONCILING, status: 'True', reason: Reason.Progressing, message: doing },
      ...(drifted || !ready
        ? [{ type: READY, status: 'Unknown', reason: Reason.Progressing, message: doing } as const]
        : []),
      ...outdated(object, progress),
    ],
    [STALLED],
  );
}

/** The revision is stored. */
export function succeeded(object: GitRepository, artifact: Artifact): GitRepositoryStatus {
  const message = `stored artifact for revision '${artifact.revision}'`;
  const { observedIgnore: _, ...status } = edit(
    object,
    [
      { type: ARTIFACT_IN_STORAGE, status: 'True', reason: Reason.Succeeded, message },
      { type: READY, status: 'True', reason: Reason.Succeeded, message },
    ],
    [RECONCILING, STALLED, FETCH_FAILED, STORAGE_OPERATION_FAILED, ARTIFACT_OUTDATED],
  );
  const { ignore } = object.spec;
  return {
    ...status,
    artifact,
    ...(ignore === undefined ? {} : { observedIgnore: ignore }),
    ...observed(object),
    ...answered(object),
  };
}

/** Something failed that may work the next time. The artifact of before stays. */
export function failed(
  object: GitRepository,
  failure: SourceFailure,
  progress: Progress,
): GitRepositoryStatus {
  const { condition, reason, message } = failure;
  const other = condition === FETCH_FAILED ? STORAGE_OPERATION_FAILED : FETCH_FAILED;
  const status = edit(
    object,
    [
      { type: condition, status: 'True', reason, message },
      { type: READY, status: 'False', reason, message },
      {
        type: RECONCILING,
        status: 'True',
        reason: Reason.ProgressingWithRetry,
        message: reconcilingMessage(object, progress),
      },
      ...outdated(object, progress),
    ],
    [STALLED, other],
  );
  return { ...status, ...answered(object) };
}

/** Only a change of the object can help. */
export function stalled(object: GitRepository, failure: SourceFailure): GitRepositoryStatus {
  const { condition, reason, message } = failure;
  const status = edit(
    object,
    [
      { type: STALLED, status: 'True', reason, message },
      { type: READY, status: 'False', reason, message },
      ...(condition === STALLED
        ? []
        : [{ type: condition, status: 'True', reason, message } as const]),
    ],
    [RECONCILING],
  );
  return { ...status, ...observed(object), ...answered(object) };
}

/** Whether the status already tells of exactly this failure of this generation. */
export function tellsOf(object: GitRepository, failure: SourceFailure): boolean {
  const ready = findCondition(object.status?.conditions, READY);
  return (
    ready?.status === 'False' &&
    ready.reason === failure.reason &&
    ready.message === failure.message &&
    ready.observedGeneration === object.metadata.generation
  );
}

/** Whether a condition tells of a failure that a success would end. */
export function hasFailed(object: GitRepository): boolean {
  return [FETCH_FAILED, STORAGE_OPERATION_FAILED].some(
    (type) => findCondition(object.status?.conditions, type) !== undefined,
  );
}

/** The status with these conditions set and those types removed. */
function edit(
  object: GitRepository,
  states: readonly State[],
  remove: readonly string[],
): GitRepositoryStatus {
  const generation = object.metadata.generation ?? 0;
  const conditions = states.reduce<Condition[]>(
    (list, state) => setCondition(list, { ...state, observedGeneration: generation }),
    [...(object.status?.conditions ?? [])],
  );
  return { ...object.status, conditions: remove.reduce(removeCondition, conditions) };
}

/** The request that this run has answered, if there was one. */
function answered(object: GitRepository): Pick<GitRepositoryStatus, 'lastHandledReconcileAt'> {
  const request = reconcileRequest(object);
  return request ? { lastHandledReconcileAt: request } : {};
}

function observed(object: GitRepository): Pick<GitRepositoryStatus, 'observedGeneration'> {
  return { observedGeneration: object.metadata.generation ?? 0 };
}

function hasArtifact(object: GitRepository, progress: Progress): boolean {
  return object.status?.artifact !== undefined && !progress.artifactLost;
}

function outdated(object: GitRepository, { newRevision }: Progress): State[] {
  if (newRevision === undefined || !object.status?.artifact) return [];
  const message = newRevisionMessage(newRevision);
  return [{ type: ARTIFACT_OUTDATED, status: 'True', reason: Reason.NewRevision, message }];
}

function newRevisionMessage(revision: string): string {
  return `new upstream revision '${revision}'`;
}

function reconcilingMessage(object: GitRepository, progress: Progress): string {
  const { newRevision, artifactLost } = progress;
  if (newRevision !== undefined) return `building artifact: ${newRevisionMessage(newRevision)}`;
  if (artifactLost) return 'building artifact: disappeared from storage';
  if (!object.status?.artifact) return 'building artifact';
  const { generation = 0 } = object.metadata;
  const before = object.status.observedGeneration ?? -1;
  return before === generation
    ? 'reconciliation in progress'
    : `processing object: new generation ${before} -> ${generation}`;
}
