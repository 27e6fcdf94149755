// What a reconcile of a Kustomization is given beside the object: everything it talks to.
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
  /** Where Weir itself runs. */
  runtimeNamespace: string;
  /** Reads and writes Kustomizations and what they refer to, with the service's own rights. */
  client: KubeClient;
  /** Where Kustomizations are applied: the service's own cluster, and others. */
  clusters: Clusters<TargetCluster>;
  kustomizations: Informer<Kustomization>;
  sources: Sources;
  store: ArtifactStore;
  /** Where artifacts are kept on disk. */
  cacheDir: string;
  pool: RenderPool;
  recorder: Recorder;
  waiters: Waiters;
  dependencyWatches: DependencyWatches;
  attemptedRevisions: AttemptedRevisions;
  lastBuilds: LastBuilds;
  /** The last builds, and what the drift watch knows, for other processes. */
  savedBuilds: SavedBuilds;
  /** Stands for values that must not be given away. */
  digest: KeyedDigest;
  fileIndexes: FileIndexes;
  /** Key management services, and who asks them. */
  decryption: DecryptionServices;
  /** With the gate OrderedDeletion. */
  deletionOrder?: DeletionOrder;
  tracing: Tracing;
  settings: KustomizeSettings;
}

/** Field manager, event component and finalizer are Flux's, so that either can go on where the other stopped. */
export const CONTROLLER = 'kustomize-controller';
/** The field manager of status writes. */
export const STATUS_MANAGER = `gotk-${CONTROLLER}`;
export const GROUP = 'kustomize.toolkit.fluxcd.io';
