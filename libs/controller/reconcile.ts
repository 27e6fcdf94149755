// The types of a reconciler's input and result. `controller.ts` calls it.
import type { KubeObject, ResourceType } from '@weir/kube';
import type { Logger, Metrics, Tracing } from '@weir/telemetry';
import type { Informer } from './informer.ts';
import type { Membership } from './membership.ts';

/**
 * How a run ended. With `requeueAfterMs` the object runs again after that time, moved by the jitter. With `retry` it
 * runs again after an exponential backoff, as after a thrown error. With neither it runs when something changes.
 */
export type Outcome = { requeueAfterMs?: number } | { retry: Error };

export interface ReconcileContext {
  /** Aborts when the process stops, the object is gone or another replica owns it now. */
  signal: AbortSignal;
  /** Aborts when the spec changes or the deletion begins during the run, or when an enqueue interrupts it. */
  superseded: AbortSignal;
  /** Why it runs: `added`, `spec`, `deleted`, `requested`, `interval`, `retry`, `gained` or the cause of an enqueue. */
  causes: ReadonlySet<string>;
  /** The W3C trace context of the event that caused the run, when there is one. */
  traceparent?: string;
  /** 1, and one more after each failure in a row. */
  attempt: number;
  log: Logger;
  /**
   * Runs `wait` without holding a worker, and resolves when a worker is free again. For waits on health, dependencies
   * and the like; one at a time.
   */
  waiting<T>(wait: () => Promise<T>): Promise<T>;
  /**
   * Runs work without holding a worker: for work that something else bounds, such as the slots of another cluster. When the
   * process stops it may go on for as long as other runs.
   */
  elsewhere<T>(work: () => Promise<T>): Promise<T>;
  /** To be called before every write. Throws `NotOwner` when another replica may own the object by now. */
  guard(): void;
}

export interface ControllerOptions<T extends KubeObject> {
  /** The controller's name in metrics and logs, such as `kustomization`. */
  name: string;
  kind: ResourceType;
  informer: Informer<T>;
  membership: Membership;
  /** The key whose hash decides which replica owns the object; `<kind>/<namespace>/<name>` unless given. */
  ownershipKey?(object: T): string;
  /** How many runs may be under way at the same time, without those in `waiting()` or `elsewhere()`. */
  concurrency: number;
  reconcile(object: T, context: ReconcileContext): Promise<Outcome>;
  /** The share of `requeueAfterMs` by which the next run may come earlier or later; 0.05 unless given. */
  jitter?: number;
  /** The wait after failures, in ms: it doubles from `minMs` up to `maxMs`. */
  retry: { minMs: number; maxMs: number };
  /** How long close() lets runs continue that are not in `waiting()`, in ms; 5 000 unless given. */
  stopGraceMs?: number;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
}

export interface EnqueueOptions {
  cause: string;
  delayMs?: number | undefined;
  /** The run becomes part of this trace (W3C trace context). */
  traceparent?: string | undefined;
  /** Aborts the signal `superseded` of a run that is under way. */
  interrupt?: boolean | undefined;
  /** The object that changed, such as `GitRepository/apps/web`. A superseded run finds it in the abort reason. */
  subject?: string | undefined;
}

export interface Controller {
  /** Makes the object `<namespace>/<name>` run soon. Does nothing when another replica owns it. */
  enqueue(key: string, options: EnqueueOptions): void;
  /** Whether a run of the object is under way, so that its status may change soon. */
  isRunning(key: string): boolean;
  /** Resolves when nothing runs and nothing stands in line. */
  idle(): Promise<void>;
  /** Starts no further run and aborts those under way after `stopGraceMs`. Resolves when all have ended. */
  close(): Promise<void>;
}
