/**
 * A key management service did not decrypt a key. The message says which service and why; it contains no secret and no
 * text of an answer.
 */
export class KmsError extends Error {
  override name = 'KmsError';
  /** Whether the service did not answer in time. */
  readonly isLate: boolean;

  constructor(
    message: string,
    { isLate = false, ...options }: ErrorOptions & { isLate?: boolean } = {},
  ) {
    super(message, options);
    this.isLate = isLate;
  }
}
