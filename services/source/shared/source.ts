// What all kinds of sources have in common, as objects.
import type { Artifact } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import type { CommonStatus } from '@weir/reconcile';

export interface SourceStatus extends CommonStatus {
  artifact?: Artifact;
}

/** An object of any kind of source that makes artifacts. */
export interface SourceObject extends KubeObject {
  spec: { interval: string; suspend?: boolean };
  status?: SourceStatus;
}
