/** Why a request to a chart repository failed. */
export type HelmReason =
  /** An invalid URL, or one with another scheme than http and https. */
  | 'InvalidUrl'
  /** Certificates that can't be used. */
  | 'InvalidConfiguration'
  /** The server's answer has another status than 200: see `status`. */
  | 'UnexpectedStatus'
  /** There is no connection, or TLS fails. */
  | 'Unreachable'
  /** An address or a redirect that is refused. */
  | 'Refused'
  | 'Truncated'
  | 'TooLarge'
  | 'Timeout'
  | 'Aborted';

/** The failure of a request to a chart repository. The message has no credentials and no text of the server. */
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
