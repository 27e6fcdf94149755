// The types of a wait for health: what it is given, and what it returns.
import type { KubeClient, KubeObject } from '@weir/kube';
import type { DriftWatch } from './drift.ts';
import type { ObjectTarget } from './objects.ts';

/** A status in the words of kstatus: `Current` is healthy, and a `Failed` object will not become healthy by itself. */
export interface ObjectStatus {
  status: string;
  message?: string;
}

/** Computes the status of objects, in their order (kstatus, in the render engine). */
export type StatusFunction = (objects: KubeObject[]) => Promise<ObjectStatus[]>;

export interface HealthTarget {
  target: ObjectTarget;
  /** The object as it was seen last. An object that was healthy then is not read again. */
  object?: KubeObject;
}

export interface HealthOptions {
  status: StatusFunction;
  /** Milliseconds. */
  timeoutMs: number;
  /** End at the first object that failed, and not when the time is over. */
  failFast: boolean;
  /** Inventory ids of Jobs that delete themselves: when gone, they are done. */
  vanishing?: ReadonlySet<string>;
  /** Selects all targets, where all carry labels of their owner: many then share a watch. */
  labelSelector?: string;
  /** `<group>/<Kind>` of what `status` judges by expressions of the user's: their pods have no say. */
  expressed?: ReadonlySet<string>;
  signal: AbortSignal;
}

/** Where health is asked for: what is watched there for drift anyway needs no watch of its own. */
export interface HealthCluster {
  client: KubeClient;
  drift: WatchedObjects;
}

export type WatchedObjects = Pick<DriftWatch, 'watches' | 'newest' | 'onObjectChange'>;

export interface HealthResult extends ObjectStatus {
  target: ObjectTarget;
  /** The version that has this status. */
  resourceVersion?: string;
  /** Why the status is not known. */
  error?: string;
}

export type Health =
  | { healthy: true; results: HealthResult[] }
  /** `message` in Flux's words: what was waited for, and the status of each. */
  | { healthy: false; message: string; results: HealthResult[] };

/** Where the statuses of all targets are kept, and whether that decides the wait. */
export interface TargetStatuses {
  /** Takes in objects as they are now. */
  show(objects: KubeObject[]): Promise<void>;
  put(found: readonly HealthResult[]): void;
  /** What is known of a target. */
  get(target: ObjectTarget): HealthResult | undefined;
  /** What is not healthy. */
  open(): ObjectTarget[];
  isSettled(): boolean;
  settled: Promise<void>;
  verdict(timedOut: boolean): Health;
}
