import { type FETCH_FAILED, STALLED, type STORAGE_OPERATION_FAILED } from '@weir/api';

/** Which condition tells of a failure. */
export type FailureCondition =
  | typeof FETCH_FAILED
  | typeof STORAGE_OPERATION_FAILED
  | typeof STALLED;

/** Why a GitRepository isn't Ready: what its conditions and its event will say. */
export class SourceFailure extends Error {
  override readonly name = 'SourceFailure';
  readonly condition: FailureCondition;
  readonly reason: string;
  /** True when only a change of the object can help: it isn't retried. */
  readonly stalled: boolean;

  constructor(
    condition: FailureCondition,
    reason: string,
    message: string,
    options: { cause?: unknown; stalled?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.condition = condition;
    this.reason = reason;
    this.stalled = options.stalled ?? condition === STALLED;
  }
}

/** Words an error of anything that is called for a GitRepository. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
