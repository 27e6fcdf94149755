/** Why there is no trusted root. */
export type SigstoreReason =
  /** A URL or a pinned root that can't be used. */
  | 'InvalidConfiguration'
  /** The repository can't be reached, or what it has isn't signed as it has to be, or is too old. */
  | 'Unavailable';

/** Says why there is no trusted root. */
export class SigstoreError extends Error {
  override readonly name = 'SigstoreError';
  readonly reason: SigstoreReason;

  constructor(reason: SigstoreReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}
