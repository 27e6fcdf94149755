export * from './alert.ts';
export * from './annotations.ts';
export type { Artifact } from './artifact.ts';
export { type Condition, MAX_MESSAGE } from './condition.ts';
export * from './conditions.ts';
export { crdFor, crds, crdYaml } from './crd.ts';
export * from './durations.ts';
export * from './gitrepository.ts';
export type { Column, Kind, ObjectOf, Resource } from './kind.ts';
export { kinds } from './kinds.ts';
export * from './kustomization.ts';
export type { HistorySnapshot, Inventory, InventoryEntry } from './kustomization-status.ts';
export * from './provider.ts';
export * from './reasons.ts';
export {
  type DependencyReference,
  formatReference,
  type KindReference,
  type ObjectSelector,
  resolveReference,
} from './references.ts';
export * from './revision.ts';
export * from './unsupported.ts';
