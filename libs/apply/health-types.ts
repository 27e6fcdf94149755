// The types of a wait for health: what it is given, and what it returns.
import type { KubeClient, KubeObject } from '@weir/kube';
import type { DriftWatch } from './drift.ts';
import type { ObjectTarget } from './objects.ts';

/** A status of kstatus: `Current` is healthy, and a `Failed` object will not become healthy by itself. */
export interface ObjectStatus {
  status: string;
  message?: string;
}

/** Computes the status of objects, in their order (kstatus, in the render engine). */
export type StatusFunction = (objects: KubeObject[]) => Promise<ObjectStatus[]>;

export interface HealthTarget {
  target: ObjectTarget;
  /** The object when it was last read. An object that was healthy then is not read again. */
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
  /** `<group>/<Kind>` of the kinds for which the user has expressions: their pods are not considered. */
  expressed?: ReadonlySet<string>;
  signal: AbortSignal;
}

/** The cluster in which health is checked: objects that its drift watch covers need no watch of their own. */
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

/** The statuses of all targets; they decide when the wait ends. */
export interface TargetStatuses {
  /** Computes the statuses of objects in their present state. */
  show(objects: KubeObject[]): Promise<void>;
  put(found: readonly HealthResult[]): void;
  /** The known status of a target. */
  get(target: ObjectTarget): HealthResult | undefined;
  /** The targets that are not healthy. */
  open(): ObjectTarget[];
  isSettled(): boolean;
  settled: Promise<void>;
  verdict(timedOut: boolean): Health;
}
