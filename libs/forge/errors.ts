/** A request to a forge that failed. The message names the URL, and has no secret and no text of the server. */
export class ForgeError extends Error {
  override readonly name = 'ForgeError';
  /** Whether the same request may succeed later: there was no answer, or the forge was busy. */
  readonly transient: boolean;

  constructor(message: string, options: { transient?: boolean; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.transient = options.transient ?? false;
  }
}
