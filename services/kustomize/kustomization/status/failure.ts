// A reconcile that ends before it is done: what the user will read, and when it is tried again.
import type { Reason } from '@weir/api';

export interface FailureOptions {
  /** Trying again can't help until the object changes. */
  stalled?: boolean;
  /** When to try again, in ms; the object's retry interval when not given. */
  retryMs?: number;
  /** It may be over any moment: tried again soon, then less and less often. */
  backoff?: boolean;
  /** It may be over before anybody looks: a Kustomization that is new says nothing of it for a second. */
  brief?: boolean;
  /** The event that tells of it: an error with the message unless given; `none` for what is only waiting. */
  event?: { severity: 'info' | 'error'; message: string } | 'none';
  cause?: unknown;
}

/** `reason` and `message` become the Ready condition. */
export class Failure extends Error {
  override name = 'Failure';
  readonly reason: Reason;
  readonly stalled: boolean;
  readonly retryMs: number | undefined;
  readonly backoff: boolean;
  readonly brief: boolean;
  readonly event: FailureOptions['event'];

  constructor(reason: Reason, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.stalled = options.stalled ?? false;
    this.retryMs = options.retryMs;
    this.backoff = options.backoff ?? false;
    this.brief = options.brief ?? false;
    this.event = options.event;
  }
}
