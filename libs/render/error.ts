import type { Trace } from './trace.ts';

/** The details of a {@link RenderError} besides its reason and message. */
export interface RenderFailure {
  /** What the failed build read: with the same content, it fails in the same way. */
  trace?: Trace;
  warnings?: string[];
  /** Which of several inputs caused the error: for values, the `origin` of the layer. */
  origin?: string;
  cause?: unknown;
}

/**
 * A request that failed. `reason` is the condition reason that Flux gives for it (`ArtifactFailed`, `BuildFailed`,
 * `ReconciliationFailed`), one that is documented with the operation, `InvalidRequest`, or what happened to the engine:
 * `Timeout`, `Aborted`, `MemoryLimit`, `EngineCrashed`, `EngineUnavailable`, `Closed`.
 */
export class RenderError extends Error {
  readonly reason: string;
  readonly trace: Trace | undefined;
  readonly warnings: string[];
  readonly origin: string | undefined;

  constructor(reason: string, message: string, failure: RenderFailure = {}) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.name = 'RenderError';
    this.reason = reason;
    this.trace = failure.trace;
    this.warnings = failure.warnings ?? [];
    this.origin = failure.origin;
  }
}
