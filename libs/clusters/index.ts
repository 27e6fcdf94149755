export {
  type Clusters,
  type ClustersOptions,
  type EnteredCluster,
  openClusters,
} from './clusters.ts';
export type { Opened } from './connections.ts';
export { ClusterError } from './errors.ts';
export { describeMove, hasMoved } from './moved.ts';
export type { SecretWords, Source } from './read-secret.ts';
export { type Placed, type Reference, referenceOf, subjectOfReference } from './reference.ts';
export { type ClusterSettings, readClusterSettings } from './settings.ts';
export type { Slots, Working } from './slots.ts';
export { KUBECONFIG, onClusters } from './triggers.ts';
