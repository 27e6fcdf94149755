/** Another cluster can't be used. The message says what to correct, and has no credential. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly reason = 'ClusterUnavailable';
  /** The version of the faulty Secret or ConfigMap, if it was read. */
  readonly resourceVersion: string | undefined;

  constructor(
    message: string,
    options: { cause?: unknown; resourceVersion?: string | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.resourceVersion = options.resourceVersion;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
