// A reconciliation that ends early: the reason and message for its user, and when it is tried again.
import { maskSecrets } from '@weir/telemetry';

export interface FailureOptions {
  /** The kind's condition, besides Ready, that reports the failure (such as `FetchFailed`); it becomes True. */
  condition?: string;
  /** True when another attempt can't help until the object changes. */
  stalled?: boolean;
  /** The time until the next attempt, in ms; the object's retry interval unless given. */
  retryMs?: number;
  /** True for a failure that may pass at any moment: it is tried again soon, then less and less often. */
  backoff?: boolean;
  /** True for a failure that will probably pass at once: a new object does not report it during its first second. */
  brief?: boolean;
  /** The event that reports it: an error with reason and message unless given; `none` for a wait. */
  event?: { severity: 'info' | 'error'; message: string; reason?: string } | 'none';
  cause?: unknown;
}

/** `reason` and `message` become those of the Ready condition, which everybody may read: credentials in it are masked. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly reason: string;
  readonly condition: string | undefined;
  readonly stalled: boolean;
  readonly retryMs: number | undefined;
  readonly backoff: boolean;
  readonly brief: boolean;
  readonly event: FailureOptions['event'];

  constructor(reason: string, message: string, options: FailureOptions = {}) {
    super(maskSecrets(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.condition = options.condition;
    this.stalled = options.stalled ?? false;
    this.retryMs = options.retryMs;
    this.backoff = options.backoff ?? false;
    this.brief = options.brief ?? false;
    this.event = options.event;
  }
}

/** The error itself if it is a Failure, otherwise a Failure with this reason and the error's message. */
export function asFailure(error: unknown, reason: string): Failure {
  return error instanceof Failure ? error : new Failure(reason, messageOf(error), { cause: error });
}

/** The first error, of the given one and its causes, for which `is` holds. */
export function findCause(error: unknown, is: (cause: unknown) => boolean): unknown {
  if (is(error)) return error;
  return error instanceof Error ? findCause(error.cause, is) : undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
