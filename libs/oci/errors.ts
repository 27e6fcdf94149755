/** Why a request to a registry failed. */
export type OciReason =
  /** An invalid name, tag or digest. */
  | 'InvalidReference'
  /** Credentials, certificates or a proxy that can't be used. */
  | 'InvalidConfiguration'
  | 'Unauthorized'
  | 'Denied'
  | 'NotFound'
  | 'RateLimited'
  /** The registry says that it can't answer now (5xx). */
  | 'Unavailable'
  /** There is no connection to the registry. */
  | 'Unreachable'
  /** TLS fails, because one side doesn't trust the other's certificate. */
  | 'Untrusted'
  /** An address, a token server or a redirect that is refused. */
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
  /** The pause that the registry asks for, in ms from now. */
  retryAfterMs?: number | undefined;
}

/**
 * The failure of a request to a registry. The message has no credentials, and no text of a server that is no registry.
 */
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
