// The interface between the service and a kind of source.
import type { Artifact, Kind } from '@weir/api';
import type { ArtifactStore } from '@weir/artifact';
import type { Informer, Outcome, ReconcileContext } from '@weir/controller';
import type { Recorder } from '@weir/events';
import type { Identities } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import type { RenderPool, Verifiers } from '@weir/render';
import type { Settings } from '@weir/service';
import type { TrustedRoot } from '@weir/sigstore';
import type { Logger, Tracing } from '@weir/telemetry';
import type { Charts } from './charts/open.ts';
import type { Publisher } from './publish.ts';
import type { SourceObject, SourceWords } from './source.ts';

/** What the service gives to every kind. */
export interface SourceEnvironment {
  client: KubeClient;
  store: ArtifactStore;
  /** Folder in which archives are made; the store takes them from there. */
  artifactDir: string;
  publisher: Publisher;
  recorder: Recorder;
  pool: RenderPool;
  /** Verifiers of signatures, which are started for the first signature. */
  verifiers: Verifiers;
  /** The trusted root of Sigstore, which is fetched when it is first needed. */
  trustedRoot: TrustedRoot;
  /** Identities in clouds, of the service and of service accounts. */
  identities: Identities;
  /** Chart repositories, for all kinds that deal with charts. */
  charts: Charts;
  tracing: Tracing;
  settings: Settings;
  log: Logger;
  /** URL under which other services reach the artifact server. */
  address: string;
  /** Folder for derived data. */
  storageDir: string;
  /** Objects of a kind that are worked on at a time. */
  concurrency: number;
  /** The shortest interval that an object may have, in ms. */
  minIntervalMs: number;
  /** For what a kind opens: it is closed when the service stops. */
  stack: AsyncDisposableStack;
  /** Aborts when the service stops. */
  signal: AbortSignal;
}

/** The entry of a kind in the table of kinds: everything that the service needs to know about it. */
export interface SourceKind<T extends SourceObject> {
  kind: Kind;
  words: SourceWords<T>;
  /** The key that decides which replica owns an object. Objects with equal keys share their fetches. */
  ownershipKey(object: T): string;
  reconcile(object: T, context: ReconcileContext, informer: Informer<T>): Promise<Outcome>;
  /** Makes the artifact that the object's status names once more, and puts it into the store. Any replica may do so. */
  restore(object: T): Promise<void>;
  /** The file name under which the newest artifact of an object is served; `latest.tar.gz` unless given. */
  latestFile?: string;
  /**
   * The sources whose artifacts an object is made from, as `<kind>/<namespace>/<name>`. The object runs when one of
   * them has a new artifact.
   */
  sourcesOf?(object: T): readonly string[];
  /**
   * Whether an object has not yet handled this artifact of a source, which is undefined when the source is gone; true
   * unless given.
   */
  lacks?(object: T, artifact: Artifact | undefined): boolean;
  /** Tidies what the kind keeps on disk; called at intervals. */
  tidy?(): Promise<void>;
}

/** Opens what a kind needs for itself. */
export type OpenKind<T extends SourceObject> = (
  environment: SourceEnvironment,
) => Promise<SourceKind<T>>;
