// What a reconcile of a Kustomization is given beside the object: everything it talks to.
import type { Kustomization } from '@weir/api';
import type { DriftWatch } from '@weir/apply';
import type { ArtifactStore } from '@weir/artifact';
import type { Informer } from '@weir/controller';
import type { Recorder } from '@weir/events';
import type { KubeClient } from '@weir/kube';
import type { RenderPool } from '@weir/render';
import type { Tracing } from '@weir/telemetry';
import type { Bases } from './last-build/last-builds.ts';
import type { Digest } from './last-build/keyed-digest.ts';
import type { Manifests } from './build/file-index.ts';
import type { Records } from './last-build/saved-builds.ts';
import type { KustomizeSettings } from '../settings.ts';
import type { Sources } from './sources.ts';
import type { Waiting } from './waiters.ts';

export interface Environment {
  /** With the service's own rights; what is applied goes through `accountClient`. */
  client: KubeClient;
  kustomizations: Informer<Kustomization>;
  sources: Sources;
  store: ArtifactStore;
  /** Where artifacts are kept on disk. */
  cacheDir: string;
  pool: RenderPool;
  recorder: Recorder;
  drift: DriftWatch;
  waiting: Waiting;
  /** The revision that the last run of each Kustomization took; LOOKING while it has yet to find it. */
  attempts: Map<string, string>;
  /** What each Kustomization was last applied from. */
  bases: Bases;
  /** The same, and what the watches know, for other processes. */
  records: Records;
  /** Stands for values that must not be given away. */
  digest: Digest;
  manifests: Manifests;
  tracing: Tracing;
  settings: KustomizeSettings;
}

/** A run that looks for its artifact finds the newest one: news of it need not wake it again. */
export const LOOKING = '';

/** Why a run puts back what somebody changed. */
export const DRIFT = 'drift';

/** Field manager, event component and finalizer are Flux's, so that either can go on where the other stopped. */
export const CONTROLLER = 'kustomize-controller';
/** The field manager of status writes. */
export const STATUS_MANAGER = `gotk-${CONTROLLER}`;
export const GROUP = 'kustomize.toolkit.fluxcd.io';
