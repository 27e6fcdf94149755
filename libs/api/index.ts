export * from './annotations.ts';
export * from './conditions.ts';
export * from './durations.ts';
export * from './helm/helmrelease.ts';
export type { ReleaseSnapshot, TestHookStatus } from './helm/status.ts';
export * from './image/imagepolicy.ts';
export * from './image/imagerepository.ts';
export * from './image/imageupdateautomation.ts';
export type { PullRequestSpec } from './image/pullrequest.ts';
export type { Inventory, InventoryEntry } from './inventory.ts';
export { crds, kinds } from './kinds.ts';
export * from './kustomize/kustomization.ts';
export type { HistorySnapshot } from './kustomize/status.ts';
export * from './notification/alert.ts';
export * from './notification/provider.ts';
export * from './notification/receiver.ts';
export { EVENT_SOURCES } from './notification/sources.ts';
export * from './reasons.ts';
export {
  type DependencyReference,
  formatReference,
  type KindReference,
  type ObjectSelector,
  resolveReference,
} from './references.ts';
export * from './revision.ts';
export { type Condition, MAX_MESSAGE } from './schema/condition.ts';
export { crdFor, crdYaml } from './schema/crd.ts';
export type { Column, Kind, KindVersion, ObjectOf, Resource } from './schema/kind.ts';
export type { Artifact } from './source/artifact.ts';
export * from './source/bucket.ts';
export * from './source/externalartifact.ts';
export * from './source/gitrepository.ts';
export * from './source/helmchart.ts';
export * from './source/helmrepository.ts';
export * from './source/ocirepository.ts';
