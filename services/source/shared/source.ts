// The fields that objects of all kinds of sources have.
import type { Artifact } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import type { CommonStatus } from '@weir/reconcile';

export interface SourceStatus extends CommonStatus {
  artifact?: Artifact;
  /** Of kinds that verify signatures: the fingerprint of the keys or policy that verified the artifact. */
  sourceVerificationFingerprint?: string;
  /** Of kinds that are made from another source: the revision of that source that was handled. */
  observedSourceArtifactRevision?: string;
}

/** An object of any kind of source that makes artifacts. */
export interface SourceObject extends KubeObject {
  /** Without an interval the object runs only when it changes or a run is requested. */
  spec: { interval?: string; suspend?: boolean };
  status?: SourceStatus;
}

/** The messages of a kind's conditions and events, which are those of Flux. */
export interface SourceWords<T extends SourceObject> {
  /** For a remote with a revision that isn't stored. */
  outdated(object: T, revision: string): string;
  /** The reason of that condition; `NewRevision` unless given. */
  outdatedReason?: string;
  /** For an artifact that is in the store, in conditions. */
  stored(artifact: Artifact): string;
  /** For the artifact of the object's status, which is in the store, in events. */
  storedEvent(object: T): string;
}
