// A reconciliation that ends before it is done: what its user reads, and when it is tried again.
import { maskSecrets } from '@weir/telemetry';

export interface FailureOptions {
  /** The condition of the kind, besides Ready, that says so (`FetchFailed`); it becomes True. */
  condition?: string;
  /** True when trying again can't help until the object changes. */
  stalled?: boolean;
  /** When to try again, in ms; the object's retry interval unless given. */
  retryMs?: number;
  /** True for what may be over any moment: it is tried again soon, then less and less often. */
  backoff?: boolean;
  /** True for what may be over before anybody looks: an object that is new says nothing of it for a second. */
  brief?: boolean;
  /** The event that reports it: an error with reason and message unless given; `none` for what is only waiting. */
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

/** The error as a Failure: itself where it is one, else one with this reason and the error's message. */
export function asFailure(error: unknown, reason: string): Failure {
  return error instanceof Failure ? error : new Failure(reason, messageOf(error), { cause: error });
}

/** The error itself, or the first of those that led to it, for which `is` holds. */
export function findCause(error: unknown, is: (cause: unknown) => boolean): unknown {
  if (is(error)) return error;
  return error instanceof Error ? findCause(error.cause, is) : undefined;
}

/** The words of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
