import { maskSecrets } from '@weir/telemetry';

/** Why there is no identity. */
export type IdentityReason =
  /** An account is named, and the gate ObjectLevelWorkloadIdentity is off. */
  | 'FeatureGateDisabled'
  /** An annotation, a host, a region or a setting that can't be used as it is. */
  | 'InvalidConfiguration'
  /** The account isn't there, or Kubernetes gives no token for it. */
  | 'AccountUnavailable'
  /** The cloud refuses this identity. */
  | 'Denied'
  | 'Throttled'
  /** No answer, or one that says that the service can't answer now. */
  | 'Unavailable'
  /** An answer without a token, with one that is over, or in another form than the documentation says. */
  | 'InvalidAnswer';

export interface IdentityErrorOptions {
  cause?: unknown;
  /** HTTP status of the answer. */
  status?: number | undefined;
  /** When the service wants to be asked again, in ms from now. */
  retryAfterMs?: number | undefined;
}

/** There is no identity to act as. The message says of whom and why, and has nothing of a token in it. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly reason: IdentityReason;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(reason: IdentityReason, message: string, options: IdentityErrorOptions = {}) {
    super(maskSecrets(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** An annotation, a host or a setting that can't be used. */
export function invalidConfiguration(message: string, cause?: unknown): IdentityError {
  return new IdentityError('InvalidConfiguration', message, { cause });
}

export function invalidAnswer(message: string): IdentityError {
  return new IdentityError('InvalidAnswer', message);
}

/** What the work comes to; an IdentityError gets words before its own, the rest passes as it is. */
export async function within<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    const { reason, status, retryAfterMs } = error;
    const options = { cause: error.cause, status, retryAfterMs };
    throw new IdentityError(reason, `${what}: ${error.message}`, options);
  }
}
