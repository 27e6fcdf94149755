// What the reconciler of a HelmRelease asks of Helm's actions, and what it learns from them. An action changes Helm's
// storage and the cluster; it knows nothing of conditions, counters and events.
import type { HelmRelease, InventoryEntry, TestHookStatus } from '@weir/api';
import type { TargetCluster } from '@weir/apply';
import type {
  HelmChartFile,
  HelmChartMetadata,
  HelmReleaseInfo,
  RenderPool,
  ValuesText,
} from '@weir/render';
import type { Logger } from '@weir/telemetry';

/** A version of a release, as Helm's storage has it or as an action has just written it. */
export interface StoredRelease {
  /** At most 53 characters. */
  name: string;
  /** Where it is installed; its storage may be in another namespace. */
  namespace: string;
  version: number;
  info: HelmReleaseInfo;
  applyMethod: '' | 'ssa' | 'csa';
  chart: HelmChartMetadata;
  /** Digest of the user's values. */
  configDigest: string;
  /** Flux's digest of a snapshot; the OCI digest of the chart is in it. */
  digest: string;
  /** The test hooks by name, those that never ran with `lastRun` empty. */
  tests: Record<string, TestHookStatus>;
}

/** Helm's storage of one release name, read and written with the rights of the HelmRelease's account. */
export interface ReleaseStorage {
  /** The highest version; undefined where there is none. Rejects with ReleaseCorrupt for what can't be decoded. */
  last(): Promise<StoredRelease | undefined>;
  get(version: number): Promise<StoredRelease | undefined>;
}

export interface StorageTarget {
  /** Of the Secrets. */
  namespace: string;
  /** Of the release, at most 53 characters. */
  name: string;
  /** The OCI digest that the snapshot of this version has: it is part of the digest of a release. */
  ociDigestOf(version: number): string | undefined;
}

/** What every action is given. */
export interface ActionContext {
  object: HelmRelease;
  /** The release that it is about; the namespace is where it is installed. */
  release: { name: string; namespace: string };
  storage: ReleaseStorage;
  target: StorageTarget;
  /** Acting as the HelmRelease's account. Its drift watch is not touched by actions. */
  cluster: TargetCluster;
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
  /** Flux's gate `AllowDNSLookups`. */
  allowDns: boolean;
  /** Flux's gate `DisableFailFastBehavior`. */
  failFast: boolean;
  /** Requests of one apply at once. */
  concurrency: number;
  /** Managers whose fields are given up before drift is looked for (`--override-manager`). */
  overrideManagers: readonly string[];
}

/** What install and upgrade are given besides. */
export interface ReleaseContext extends ActionContext {
  chart: LoadedChart;
  values: { text: ValuesText; digest: string };
}

/** A chart on this machine, and what it says of itself. */
export interface LoadedChart {
  file: HelmChartFile;
  metadata: HelmChartMetadata;
  /** Of a chart from a registry. */
  ociDigest: string | undefined;
}

export interface ActionFailure {
  /** In Helm's words, without a prefix such as "Helm install failed". Credentials in it are masked. */
  message: string;
  /** Ended by `superseded`. */
  interrupted?: boolean;
  cause?: unknown;
}

/**
 * How an action ended. It resolves also when Helm's action fails; it rejects for what is no result of the action: NotOwner,
 * the abort of `signal`, an API server that can't be reached before anything was done.
 */
export interface ActionResult {
  /** What was written to storage, the last state of each version, the highest version first. Empty: nothing was. */
  releases: StoredRelease[];
  failure?: ActionFailure;
  /** What the release holds now; undefined where nothing was stored. */
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
  openStorage(cluster: TargetCluster, pool: RenderPool, target: StorageTarget): ReleaseStorage;
  install(context: ReleaseContext): Promise<ActionResult>;
  upgrade(context: ReleaseContext): Promise<ActionResult>;
  /** Goes back to this version, as a new one. */
  rollback(context: ActionContext, toVersion: number): Promise<ActionResult>;
  uninstall(context: ActionContext): Promise<UninstallResult>;
  /** Runs the test hooks that `spec.test.filters` selects of the last version. */
  test(context: ActionContext): Promise<ActionResult>;
  /** Stores a version that is pending as failed: "Release unlocked from stale 'pending-install' state". */
  unlock(context: ActionContext, release: StoredRelease): Promise<ActionResult>;
  /** Compares this version's manifest with the cluster. */
  detectDrift(context: ActionContext, release: StoredRelease): Promise<DriftReport>;
  correctDrift(context: ActionContext, report: DriftReport): Promise<CorrectionResult>;
}
