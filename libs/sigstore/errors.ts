/** Why there is no trusted root. */
export type SigstoreReason =
  /** A URL or a pinned root can't be used. */
  | 'InvalidConfiguration'
  /** The repository can't be reached, or its metadata is not signed as required, or is too old. */
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
