// What a kind of source is to the service.
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
  /** Folder in which an archive is made, from where the store takes it. */
  artifactDir: string;
  publisher: Publisher;
  recorder: Recorder;
  pool: RenderPool;
  /** Verify signatures; started when the first one is looked at. */
  verifiers: Verifiers;
  /** What Sigstore publishes; nobody is asked for it before it is wanted. */
  trustedRoot: TrustedRoot;
  /** Who the service, or the account of an object, is in a cloud. */
  identities: Identities;
  /** Chart repositories, for all kinds that have to do with charts. */
  charts: Charts;
  tracing: Tracing;
  settings: Settings;
  log: Logger;
  /** URL under which other services reach the artifact server. */
  address: string;
  /** Folder for what can be had again. */
  storageDir: string;
  /** Objects of a kind that are worked on at a time. */
  concurrency: number;
  /** The shortest interval that an object may have, in ms. */
  minIntervalMs: number;
  /** What a kind opens goes onto it. */
  stack: AsyncDisposableStack;
  /** Aborts when the service stops. */
  signal: AbortSignal;
}

/** The row of a kind in the table of kinds: all that the service needs to know of it. */
export interface SourceKind<T extends SourceObject> {
  kind: Kind;
  words: SourceWords<T>;
  /** What decides which replica owns an object: those alike share their fetches. */
  ownershipKey(object: T): string;
  reconcile(object: T, context: ReconcileContext, informer: Informer<T>): Promise<Outcome>;
  /** Makes the artifact that the object's status names again, and puts it into the store. Any replica may. */
  restore(object: T): Promise<void>;
  /** The file name under which the newest artifact of an object is served; `latest.tar.gz` unless given. */
  latestFile?: string;
  /** The sources whose artifacts an object is made from, as `<kind>/<namespace>/<name>`: the object runs for a new one. */
  sourcesOf?(object: T): readonly string[];
  /** Whether an object has yet to look at this artifact of a source, undefined for one that is gone; true unless given. */
  lacks?(object: T, artifact: Artifact | undefined): boolean;
  /** Looks after what the kind keeps on disk, from time to time. */
  tidy?(): Promise<void>;
}

/** Opens what is a kind's own. */
export type OpenKind<T extends SourceObject> = (
  environment: SourceEnvironment,
) => Promise<SourceKind<T>>;
