// What a reconciler is given and what it answers. `controller.ts` is what calls it.
import type { KubeObject, ResourceType } from '@weir/kube';
import type { Logger, Metrics, Tracing } from '@weir/telemetry';
import type { Informer } from './informer.ts';
import type { Membership } from './membership.ts';

/**
 * How a run ended. With `requeueAfterMs` it comes again after that time, give or take the jitter;
 * with neither it rests until something changes; `retry` comes again with exponential backoff,
 * as a thrown error does.
 */
export type Outcome = { requeueAfterMs?: number } | { retry: Error };

export interface ReconcileContext {
  /** Aborted when the process stops, the object is gone or another replica owns it now. */
  signal: AbortSignal;
  /** Aborted when spec, suspend or deletion changed while we run, or somebody interrupts us. */
  superseded: AbortSignal;
  /** Why it runs: `added`, `spec`, `deleted`, `requested`, `interval`, `retry`, `gained` or a caller's own. */
  causes: ReadonlySet<string>;
  /** W3C trace context of the happening that caused the run, when there is one. */
  traceparent?: string;
  /** 1, and one more for each failure in a row. */
  attempt: number;
  log: Logger;
  /**
   * Runs `wait` without holding a worker and comes back when a worker is free again. For health,
   * dependencies and whatever else only waits; one wait at a time.
   */
  waiting<T>(wait: () => Promise<T>): Promise<T>;
  /** Call before every write; throws `NotOwner` when another replica may own the object by now. */
  guard(): void;
}

export interface ControllerOptions<T extends KubeObject> {
  /** For metrics and logs, such as `kustomization`. */
  name: string;
  kind: ResourceType;
  informer: Informer<T>;
  membership: Membership;
  /** What decides which replica owns the object; `<kind>/<namespace>/<name>` unless given. */
  ownershipKey?(object: T): string;
  /** Runs at the same time, those in `waiting()` not counted. */
  concurrency: number;
  reconcile(object: T, context: ReconcileContext): Promise<Outcome>;
  /** Share of `requeueAfterMs` by which it may come earlier or later; 0.05 unless given. */
  jitter?: number;
  /** Backoff after failures: doubles from `minMs` up to `maxMs`. */
  retry: { minMs: number; maxMs: number };
  /** How long a close lets runs go on that are not merely waiting; 5 s unless given. */
  stopGraceMs?: number;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
}

export interface EnqueueOptions {
  cause: string;
  delayMs?: number | undefined;
  /** Makes the run part of this trace. */
  traceparent?: string | undefined;
  /** Tells a run that is under way that it is superseded. */
  interrupt?: boolean | undefined;
  /** What changed, such as `GitRepository/apps/web`; a run that is superseded finds it in the `Stopped`. */
  subject?: string | undefined;
}

export interface Controller {
  /** Makes the object `<namespace>/<name>` run soon; nothing happens where another replica owns it. */
  enqueue(key: string, options: EnqueueOptions): void;
  /** Whether a run of the object is under way: what it will write isn't known yet. */
  isRunning(key: string): boolean;
  /** Resolves when nothing runs and nothing is due. */
  idle(): Promise<void>;
  /** Starts nothing more, gives runs their grace, then aborts them; resolves when all have ended. */
  close(): Promise<void>;
}
