/** Why something asked of a chart repository failed. */
export type HelmReason =
  /** A URL that is none, or of another scheme than http and https. */
  | 'InvalidUrl'
  /** Certificates that can't be used as they are. */
  | 'InvalidConfiguration'
  /** The server answers with another status than 200, which `status` has. */
  | 'UnexpectedStatus'
  /** There is no connection, or TLS fails. */
  | 'Unreachable'
  /** An address or a redirect that isn't followed. */
  | 'Refused'
  | 'Truncated'
  | 'TooLarge'
  | 'Timeout'
  | 'Aborted';

/** Says what failed at a chart repository; the message holds no credentials, and nothing that the server sent. */
export class HelmError extends Error {
  override readonly name = 'HelmError';
  readonly reason: HelmReason;
  /** HTTP status of the answer. */
  readonly status: number | undefined;

  constructor(
    reason: HelmReason,
    message: string,
    options: { cause?: unknown; status?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.status = options.status;
  }
}
