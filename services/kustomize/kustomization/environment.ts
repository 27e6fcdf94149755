// The environment of all reconciles of Kustomizations: clients, stores and settings.
import type { Kustomization } from '@weir/api';
import type { TargetCluster } from '@weir/apply';
import type { ArtifactStore } from '@weir/artifact';
import type { Clusters } from '@weir/clusters';
import type { Informer } from '@weir/controller';
import type { Recorder } from '@weir/events';
import type { KubeClient } from '@weir/kube';
import type {
  AttemptedRevisions,
  DeletionOrder,
  DependencyWatches,
  Waiters,
} from '@weir/reconcile';
import type { RenderPool } from '@weir/render';
import type { Sources } from '@weir/sources';
import type { Logger, Tracing } from '@weir/telemetry';
import type { KustomizeSettings } from '../settings.ts';
import type { FileIndexes } from './build/file-index.ts';
import type { DecryptionServices } from './decryption/services.ts';
import type { KeyedDigest } from './last-build/keyed-digest.ts';
import type { LastBuilds } from './last-build/last-builds.ts';
import type { SavedBuilds } from './last-build/saved-builds.ts';

export interface Environment {
  log: Logger;
  /** The namespace in which Weir itself runs. */
  runtimeNamespace: string;
  /** Reads and writes Kustomizations and what they refer to, with the service's own rights. */
  client: KubeClient;
  /** The clusters that Kustomizations are applied to: the service's own, and others. */
  clusters: Clusters<TargetCluster>;
  kustomizations: Informer<Kustomization>;
  sources: Sources;
  store: ArtifactStore;
  /** The folder in which artifacts are kept. */
  cacheDir: string;
  pool: RenderPool;
  recorder: Recorder;
  waiters: Waiters;
  dependencyWatches: DependencyWatches;
  attemptedRevisions: AttemptedRevisions;
  lastBuilds: LastBuilds;
  /** Saves the last builds, and what the drift watch knows, for later processes. */
  savedBuilds: SavedBuilds;
  /** Makes digests of values that must not be shown. */
  digest: KeyedDigest;
  fileIndexes: FileIndexes;
  /** Key management services, with the identities to use there. */
  decryption: DecryptionServices;
  /** Only with the gate OrderedDeletion. */
  deletionOrder?: DeletionOrder;
  tracing: Tracing;
  settings: KustomizeSettings;
}

/** Field manager, event component and finalizer have Flux's names, so that either can continue the other's work. */
export const CONTROLLER = 'kustomize-controller';
/** The field manager of status writes. */
export const STATUS_MANAGER = `gotk-${CONTROLLER}`;
export const GROUP = 'kustomize.toolkit.fluxcd.io';
