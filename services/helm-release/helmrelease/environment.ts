// The environment of all reconciles of HelmReleases: clients, stores and settings.
import type { HelmRelease } from '@weir/api';
import type { ArtifactStore } from '@weir/artifact';
import type { Clusters } from '@weir/clusters';
import type { Informer } from '@weir/controller';
import type { Recorder } from '@weir/events';
import type { KubeClient } from '@weir/kube';
import type { DeletionOrder } from '@weir/reconcile';
import type { RenderPool } from '@weir/render';
import type { Sources } from '@weir/sources';
import type { Tracing } from '@weir/telemetry';
import type { HelmReleaseSettings } from '../settings.ts';
import type { ReleaseCluster } from './cluster/open.ts';
import type { Memory } from './memory.ts';

export interface Environment extends Memory {
  /** Reads and writes HelmReleases and what they refer to, with the service's own rights. */
  client: KubeClient;
  /** The clusters that charts are released to: the service's own, and others. */
  clusters: Clusters<ReleaseCluster>;
  releases: Informer<HelmRelease>;
  sources: Sources;
  store: ArtifactStore;
  pool: RenderPool;
  recorder: Recorder;
  /** Only with the gate OrderedDeletion. */
  deletionOrder?: DeletionOrder;
  tracing: Tracing;
  settings: HelmReleaseSettings;
}

/** Backoff after failures, in ms: every failure is tried again within ten minutes. */
export const RETRY = { minMs: 500, maxMs: 600_000 };
