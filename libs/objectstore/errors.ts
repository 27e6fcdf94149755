/** Why a request to an object store failed. */
export type ObjectStoreReason =
  /** The endpoint or the certificates can't be used. */
  | 'InvalidConfiguration'
  | 'InvalidBucketName'
  | 'BucketMissing'
  | 'ObjectMissing'
  /** The object is no longer the one that was listed. */
  | 'ObjectChanged'
  /** The server's answer is an error of the store's protocol, whose message this error has. */
  | 'Refused'
  /** There is no answer. */
  | 'Unreachable'
  /** The answer is none that the store's protocol has, or it is too large. */
  | 'InvalidAnswer'
  /** A list has more objects, or longer keys, than the caller allows. */
  | 'LimitExceeded'
  /** The caller's signal ended it, for any reason. */
  | 'Aborted';

/** A request to an object store that failed. The message carries no credential, and quotes an answer only if it is an error of the store's protocol. */
export class ObjectStoreError extends Error {
  override readonly name = 'ObjectStoreError';
  readonly reason: ObjectStoreReason;

  constructor(reason: ObjectStoreReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** The longest text of a server that a message quotes, in characters. */
const MAX_QUOTED = 300;

/** Text of a server or a bucket in one line of a message: without control characters, and shortened. */
export function quoted(text: string): string {
  const plain = text.replace(/\p{Cc}+/gu, ' ').trim();
  return plain.length > MAX_QUOTED ? `${plain.slice(0, MAX_QUOTED)}…` : plain;
}
