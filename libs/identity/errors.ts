import { maskSecrets } from '@weir/telemetry';

/** Why no token can be had. */
export type IdentityReason =
  /** An account is named, and the gate ObjectLevelWorkloadIdentity is off. */
  | 'FeatureGateDisabled'
  /** An annotation, a host, a region or a setting that can't be used as it is. */
  | 'InvalidConfiguration'
  /** The account doesn't exist, or Kubernetes issues no token for it. */
  | 'AccountUnavailable'
  /** The cloud refuses this identity. */
  | 'Denied'
  | 'Throttled'
  /** There is no answer, or one that says that the service is not available now. */
  | 'Unavailable'
  /** An answer without a token, with an expired one, or in another form than documented. */
  | 'InvalidAnswer';

export interface IdentityErrorOptions {
  cause?: unknown;
  /** HTTP status of the answer. */
  status?: number | undefined;
  /** The pause that the service asks for, in ms from now. */
  retryAfterMs?: number | undefined;
}

/** No token can be had. The message names the identity and the cause, and has nothing of a token in it. */
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

/** Runs work; an IdentityError gets a prefix, other errors stay as they are. */
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
