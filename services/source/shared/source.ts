// What all kinds of sources have in common, as objects.
import type { Artifact } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import type { CommonStatus } from '@weir/reconcile';

export interface SourceStatus extends CommonStatus {
  artifact?: Artifact;
  /** Of kinds that verify signatures: what the artifact was verified against. */
  sourceVerificationFingerprint?: string;
  /** Of kinds that are made from another source: its revision that was looked at. */
  observedSourceArtifactRevision?: string;
}

/** An object of any kind of source that makes artifacts. */
export interface SourceObject extends KubeObject {
  /** Without an interval the remote is asked only for a change of the object, or on request. */
  spec: { interval?: string; suspend?: boolean };
  status?: SourceStatus;
}

/** What a kind calls things in its conditions and events, as Flux does. */
export interface SourceWords<T extends SourceObject> {
  /** The remote has a revision that isn't stored. */
  outdated(object: T, revision: string): string;
  /** The reason of the condition that says so; `NewRevision` unless given. */
  outdatedReason?: string;
  /** The artifact is in the store: for conditions. */
  stored(artifact: Artifact): string;
  /** The artifact that the object's status names is in the store: for events. */
  storedEvent(object: T): string;
}
