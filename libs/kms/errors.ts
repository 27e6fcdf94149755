/** A key management service gave no key. The message says which service and why, and has nothing of a secret or an answer in it. */
export class KmsError extends Error {
  override name = 'KmsError';
  /** The service didn't answer in time. */
  readonly isLate: boolean;

  constructor(
    message: string,
    { isLate = false, ...options }: ErrorOptions & { isLate?: boolean } = {},
  ) {
    super(message, options);
    this.isLate = isLate;
  }
}
