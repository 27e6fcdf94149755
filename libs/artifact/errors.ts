/** What went wrong with an artifact; `transient` failures are worth another attempt. */
export class ArtifactError extends Error {
  /** For conditions, and for code: the message is for people. */
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

/** Nobody has the artifact (now). Its source makes it again when asked, as it is derived data. */
export class ArtifactMissing extends ArtifactError {
  constructor(digest: string) {
    super('ArtifactMissing', `artifact ${digest} is not in the store`, { transient: true });
    this.name = 'ArtifactMissing';
  }
}

/** A failure of the local disk, in words that say what to do. */
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

/** Whether an error is one of the operating system: it names the call that failed. */
export function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
