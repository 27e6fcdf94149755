// The interface between the reconciler of a HelmRelease and Helm's actions. An action changes Helm's storage and the
// cluster; it knows nothing of conditions, counters and events.
import type { HelmRelease, InventoryEntry } from '@weir/api';
import type { TargetCluster } from '@weir/apply';
import type { HelmChartFile, HelmChartResult, RenderPool, ValuesText } from '@weir/render';
import type { Logger } from '@weir/telemetry';
import type { OpenStorageOptions, StoredRelease, VersionStorage } from '../release/types.ts';

/** The inputs of every action. */
export interface ActionContext {
  object: HelmRelease;
  /** The release that it is about; the namespace is where it is installed. */
  release: { name: string; namespace: string };
  storage: VersionStorage;
  /**
   * Acting as the HelmRelease's account. Actions track what they apply in its drift watch, under `<namespace>/<name>` of
   * the HelmRelease.
   */
  cluster: TargetCluster;
  /** Whether the service acts with its own rights there, and not as an account. */
  hasOwnRights: boolean;
  pool: RenderPool;
  options: ActionOptions;
  /** The time for one operation of Helm: a hook, a wait. Milliseconds. */
  timeoutMs: number;
  /** Ends the action at once: the process stops, or the object belongs to another replica. */
  signal: AbortSignal;
  /**
   * Ends waits, hooks included: the spec or the chart changed. The action stores the release as failed, as after a
   * timeout, and returns a failure with `interrupted`.
   */
  superseded: AbortSignal;
  /** To be called before every write. Throws NotOwner. */
  guard(): void;
  /** Runs a wait without holding a worker. One at a time. */
  waiting<T>(wait: () => Promise<T>): Promise<T>;
  /** Called, and awaited, after each write to Helm's storage, with what was written. */
  record(release: StoredRelease): Promise<void>;
  /** A line of Helm's log. The last ones go into the event of a failure. No secrets. */
  line(text: string): void;
  log: Logger;
}

/** What decides how actions are done besides the spec: flags and feature gates of the service. */
export interface ActionOptions {
  /** Flux's gate `UseHelm3Defaults`: installs apply client-side unless the spec says otherwise, waits are `legacy`. */
  helm3Defaults: boolean;
  /** Requests of one apply at once. */
  concurrency: number;
  /** Managers whose fields are given up before drift is looked for (`--override-manager`). */
  overrideManagers: readonly string[];
}

/** Further inputs of install and upgrade. */
export interface ReleaseContext extends ActionContext {
  chart: LoadedChart;
  values: { text: ValuesText; digest: string };
}

/** Further inputs of an uninstall. */
export interface UninstallContext extends ActionContext {
  /** Leaves namespaced objects whose manifest names no namespace where they are. */
  leavesUnplaced?: boolean;
}

/** A chart on the local disk, with its metadata. */
export interface LoadedChart {
  file: HelmChartFile;
  metadata: HelmChartResult;
  /** Of a chart from a registry. */
  ociDigest: string | undefined;
}

export interface ActionFailure {
  /** The message is Helm's, without a prefix such as "Helm install failed". Credentials in it are masked. */
  message: string;
  /** Whether `superseded` ended it. */
  interrupted?: boolean;
  cause?: unknown;
}

/**
 * How an action ended. It resolves also when Helm's action fails; it rejects for what is no result of the action: NotOwner,
 * the abort of `signal`, an API server that can't be reached before anything was done.
 */
export interface ActionResult {
  /** The versions that were written to storage in their last states, the highest version first; empty if none was. */
  releases: StoredRelease[];
  failure?: ActionFailure;
  /** The objects that the release has now; undefined if nothing was stored. */
  inventory?: InventoryEntry[];
  /** What an event says of the inventory (Flux's NamespaceCheckSkipped). */
  warnings: string[];
}

export interface UninstallResult extends ActionResult {
  /** There is no such release in storage, or (`already`) it is uninstalled and its history is kept. */
  absent?: 'missing' | 'already';
}

/** One difference between the release's manifest and the cluster. */
export interface ReleaseDifference {
  /** As in Flux's messages: `Deployment/apps/web`. */
  subject: string;
  /** It was deleted, or it was changed. */
  type: 'create' | 'update';
  /** Lines for the message of the event, with values of Secrets masked. */
  summary: string;
  /** What `correctDrift` sends. */
  desired: object;
  patch?: readonly object[];
}

export interface DriftReport {
  differences: ReleaseDifference[];
  /** Flux's text for the event and condition; empty where there is no difference. */
  message: string;
  /** What could not be compared; the rest was. */
  errors: string[];
}

export interface CorrectionResult {
  /** Flux's list of what was corrected, a line each: `Deployment/apps/web configured`. */
  changes: string[];
  errors: string[];
}

/** The actions of Helm, with everything that belongs to them (CRDs, hooks, waits, storage). */
export interface Actions {
  openStorage(options: OpenStorageOptions): VersionStorage;
  install(context: ReleaseContext): Promise<ActionResult>;
  upgrade(context: ReleaseContext): Promise<ActionResult>;
  /** Rolls back to this version, as a new one. The present chart stays: its CRDs stay in the inventory. */
  rollback(context: ReleaseContext, toVersion: number): Promise<ActionResult>;
  uninstall(context: UninstallContext): Promise<UninstallResult>;
  /** Runs the test hooks that `spec.test.filters` selects of the last version. */
  test(context: ActionContext): Promise<ActionResult>;
  /** Stores a version that is pending as failed: "Release unlocked from stale 'pending-install' state". */
  unlock(context: ActionContext, release: StoredRelease): Promise<ActionResult>;
  /** Compares this version's manifest with the cluster. */
  detectDrift(context: ActionContext, release: StoredRelease): Promise<DriftReport>;
  correctDrift(context: ActionContext, report: DriftReport): Promise<CorrectionResult>;
  close(): Promise<void>;
}
