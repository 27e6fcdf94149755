// A version of a release, and the storage that has it.
import type { TestHookStatus } from '@weir/api';
import type { TargetCluster } from '@weir/apply';
import type {
  HelmChartMetadata,
  HelmRelease as HelmContent,
  HelmHook,
  HelmPayload,
  HelmReleaseInfo,
  RenderPool,
} from '@weir/render';
import type { VersionLabels } from './secret.ts';

/** A version of a release, as Helm's storage has it or as an action has just written it. */
export interface StoredRelease {
  /** At most 53 characters. */
  name: string;
  /** The namespace in which it is installed; its storage may be in another one. */
  namespace: string;
  version: number;
  info: HelmReleaseInfo;
  applyMethod: '' | 'ssa' | 'csa';
  chart: HelmChartMetadata;
  /** Digest of the user's values. */
  configDigest: string;
  /** Flux's digest of a snapshot, which includes the OCI digest of the chart. */
  digest: string;
  /** The test hooks by name; those that never ran have an empty status. */
  tests: Record<string, TestHookStatus>;
  /** `<namespace>/<name>` of the HelmRelease that it was made for, as the labels of its objects say. */
  origin?: string;
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
  /** The OCI digest in the snapshot of this version, which is part of the digest of a release. */
  ociDigestOf(version: number): string | undefined;
}

/** Opens the storage of a release for one run. */
export interface OpenStorageOptions {
  cluster: Pick<TargetCluster, 'client'>;
  pool: RenderPool;
  target: StorageTarget;
  /** Namespace of the HelmRelease. */
  tenant: string;
  /**
   * The HelmRelease and the account that it acts as, in one text; undefined for the service's own rights. What is known
   * of storage without asking is only for readers that were allowed to ask before, and for the service itself.
   */
  reader: string | undefined;
  /** Asks the API server, even if the answer is known. */
  fresh?: boolean;
  signal?: AbortSignal;
}

/** A version with everything that an action needs of it. */
export interface Revision {
  content: HelmContent;
  payload: HelmPayload;
  /** Flux's digest of a snapshot. */
  digest: string;
  /** The digest of a chart from a registry, which is part of the digest. */
  ociDigest: string | undefined;
  /** The labels of its Secret as read from storage; only custom labels if it was not read. */
  labels: Record<string, string>;
  /** Of its Secret; empty before that is created. */
  resourceVersion: string;
}

/** What changes from one write of a version to the next. */
export interface RevisionChange {
  info?: Partial<HelmReleaseInfo>;
  /** The hooks that ran, in their present state. */
  hooks?: readonly HelmHook[];
  /** The index of each hook once, in the order in which they are to be stored. */
  hookOrder?: readonly number[];
}

/** What actions need of the storage besides what the reconciler reads. */
export interface VersionStorage extends ReleaseStorage {
  /** Namespace of the Secrets. */
  namespace: string;
  /** Of the release. */
  name: string;
  /** All versions, the highest first, by their labels. */
  versions(): Promise<VersionLabels[]>;
  /** A version with its objects; undefined where there is none. Rejects with a RenderError `ReleaseCorrupt`. */
  load(version: number): Promise<Revision | undefined>;
  /** Writes a version that must not exist yet. Rejects with StorageError. */
  create(revision: Revision): Promise<Revision>;
  /** Writes a version again, provided that nobody else did meanwhile. Rejects with StorageError. */
  update(revision: Revision, change: RevisionChange): Promise<Revision>;
  remove(version: number): Promise<void>;
}
