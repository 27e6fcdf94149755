export { type Acting, accountExists, accountName, targetCluster } from './account.ts';
export { type AppliedObject, type ApplyOptions, applyObjects } from './apply.ts';
export * from './changes.ts';
export { actingAs, openTargetCluster, type TargetCluster } from './cluster.ts';
export { type ServedKind, servedKinds, untilServed } from './definitions.ts';
export { isSameVersion, wouldCreate } from './diff.ts';
export {
  type Drift,
  type DriftWatch,
  type DriftWatchOptions,
  formatDrift,
  type LastApplied,
  type Tracked,
} from './drift.ts';
export { createDriftBackoff, type Repair } from './drift-backoff.ts';
export { ApplyError, DryRunError, NamespaceMissingError } from './errors.ts';
export { withoutFields } from './exempt.ts';
export {
  fieldsTakeover,
  fromUpdatesToApply,
  type JsonPatchOperation,
  type ManagerRule,
  managerRules,
  overrideRules,
} from './field-managers.ts';
export { areHealthy, waitForHealth } from './health.ts';
export type {
  Health,
  HealthOptions,
  HealthResult,
  HealthTarget,
  ObjectStatus,
  StatusFunction,
} from './health-types.ts';
export * from './inventory.ts';
export { isOwnedBy, type Owner, ownerKeyOf, ownerLabels } from './labels.ts';
export {
  isMarked,
  type ObjectId,
  type ObjectTarget,
  subjectOf,
  subjectOfObject,
  targetOf,
} from './objects.ts';
export { type PlacedObject, placeObject } from './place.ts';
export { COMPARISON_ATTEMPTS, readLive } from './plan.ts';
export { type Pruned, type PruneOptions, pruneObjects, waitUntilGone } from './prune.ts';
export { withoutSecrets, withoutValues } from './secrecy.ts';
export { compareIds } from './stages.ts';
export { isWatched, trackApplied, vanishingJobs } from './track.ts';
export { applyObject, takeOver } from './write.ts';
