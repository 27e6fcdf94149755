/** An error about an artifact; after a `transient` one another attempt may succeed. */
export class ArtifactError extends Error {
  /** The reason is for conditions and for code; the message is for people. */
  readonly reason: ArtifactFailure;
  readonly transient: boolean;

  constructor(
    reason: ArtifactFailure,
    message: string,
    options: { transient?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ArtifactError';
    this.reason = reason;
    this.transient = options.transient ?? false;
  }
}

export type ArtifactFailure =
  | 'ArtifactMissing'
  | 'ArtifactInvalid'
  | 'ArtifactTooLarge'
  | 'ArtifactUnavailable'
  | 'StorageFull'
  | 'StorageQuotaExceeded'
  | 'StorageOperationFailed';

/** Nobody has the artifact (now). Its source makes it again when asked, because it is derived data. */
export class ArtifactMissing extends ArtifactError {
  constructor(digest: string) {
    super('ArtifactMissing', `artifact ${digest} is not in the store`, { transient: true });
    this.name = 'ArtifactMissing';
  }
}

/** A failure of the local disk, with a message that says what to do. */
export function storageError(doing: string, error: unknown): ArtifactError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ArtifactError(
      'StorageFull',
      `${doing}: no space left: enlarge the volume (--storage-dir) or lower the limits of what is kept on it`,
      { transient: true, cause: error },
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ArtifactError('StorageOperationFailed', `${doing}: ${message}`, { cause: error });
}

/** Whether the operating system reported the error, which then names the failed system call. */
export function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
