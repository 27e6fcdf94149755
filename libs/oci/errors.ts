/** Why something asked of a registry failed. */
export type OciReason =
  /** A name, tag or digest that is none. */
  | 'InvalidReference'
  /** Credentials, certificates or a proxy that can't be used as they are. */
  | 'InvalidConfiguration'
  | 'Unauthorized'
  | 'Denied'
  | 'NotFound'
  | 'RateLimited'
  /** The registry says that it can't answer now (5xx). */
  | 'Unavailable'
  /** There is no connection to the registry. */
  | 'Unreachable'
  /** TLS fails: neither side's certificate is what the other trusts. */
  | 'Untrusted'
  /** An address, a token server or a redirect that isn't followed. */
  | 'Refused'
  /** An answer that the protocol doesn't allow. */
  | 'InvalidResponse'
  | 'DigestMismatch'
  | 'Truncated'
  | 'TooLarge'
  | 'Timeout'
  | 'Aborted';

export interface OciErrorOptions {
  cause?: unknown;
  /** HTTP status of the answer. */
  status?: number | undefined;
  /** When the registry wants to be asked again, in ms from now. */
  retryAfterMs?: number | undefined;
}

/** Says what failed at a registry; the message holds no credentials, and no text of a server that is no registry. */
export class OciError extends Error {
  override readonly name = 'OciError';
  readonly reason: OciReason;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(reason: OciReason, message: string, options: OciErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
