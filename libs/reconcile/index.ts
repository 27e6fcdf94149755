export {
  type ApplyParts,
  type ApplyPartsOptions,
  fetchOptions,
  openApplyParts,
} from './apply-parts.ts';
export { type ApplySettings, readApplySettings } from './apply-settings.ts';
export { type ApplyTriggers, connectApplyTriggers } from './apply-triggers.ts';
export * from './attempted-revisions.ts';
export { type Claim, type ClaimOptions, claimObject } from './claim.ts';
export {
  createDeletionOrder,
  type DeletionOrder,
  type DeletionWait,
  waitsForDependents,
} from './dependencies/deletion.ts';
export {
  type DependencyRules,
  type DependencyWait,
  requireDependencies,
} from './dependencies/dependencies.ts';
export { type Dependent, dependencyKeys } from './dependencies/references.ts';
export { createDependencyWatches, type DependencyWatches } from './dependencies/watches.ts';
export * from './drift-trigger.ts';
export * from './expressions.ts';
export { asFailure, Failure, type FailureOptions, findCause, messageOf } from './failure.ts';
export { acceptableAgeMs, intervalMs } from './intervals.ts';
export { newestOf } from './newest.ts';
export { requireObjectIdentity } from './object-identity.ts';
export { followOwnership, type Ownership } from './ownership.ts';
export {
  beginObjectRun,
  failObjectRun,
  type ObjectRun,
  type RunBeginning,
  type RunnableObject,
} from './run.ts';
export {
  asFailed,
  asProgressing,
  asSucceeded,
  beginReport,
  type CommonStatus,
  type ConditionTypes,
  dropStates,
  type Fields,
  finalStatusOf,
  isAwaited,
  isReported,
  type Reconciled,
  type State,
  type StatusReport,
  setFields,
  setState,
  statusOf,
} from './status-report.ts';
export { openStatus, type SessionOptions, type StatusSession } from './status-session.ts';
export * from './triggers.ts';
export { createWaiters, type Waiters } from './waiters.ts';
