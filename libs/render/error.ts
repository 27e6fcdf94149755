import type { Trace } from './trace.ts';

/** What a {@link RenderError} knows besides its reason and message. */
export interface RenderFailure {
  /** What the failed build looked at: it fails the same way for as long as this holds. */
  trace?: Trace;
  warnings?: string[];
  /** Which of several inputs it is about: of values, the `origin` of the layer. */
  origin?: string;
  cause?: unknown;
}

/**
 * A request that failed. `reason` is the condition reason that Flux gives for it (`ArtifactFailed`,
 * `BuildFailed`, `ReconciliationFailed`), one that stands with the operation, `InvalidRequest`, or what became of the
 * engine: `Timeout`, `Aborted`, `MemoryLimit`, `EngineCrashed`, `EngineUnavailable`, `Closed`.
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
