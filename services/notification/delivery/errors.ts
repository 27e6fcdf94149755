/**
 * A message that didn't arrive. `permanent` means that another attempt can't help until someone changes a Provider, a
 * Secret or the receiving side; `retryAfterMs` is the pause that the receiver asks for. The message never has an
 * address, because addresses are credentials in most chat services.
 */
export class DeliveryError extends Error {
  readonly reason: string;
  readonly permanent: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: string,
    message: string,
    options: { permanent?: boolean; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'DeliveryError';
    this.reason = reason;
    this.permanent = options.permanent ?? true;
    this.retryAfterMs = options.retryAfterMs;
  }
}
