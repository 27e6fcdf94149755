// Interprets errors of the SDK.
import { abortedBy } from '../bucket.ts';
import { ObjectStoreError, quoted } from '../errors.ts';

/** The SDK's error for an answer that is an error. */
interface SdkError extends Error {
  $metadata?: { httpStatusCode?: number };
  Code?: string;
  Region?: string;
}

const CODE = /^[A-Za-z][A-Za-z0-9.]{1,63}$/;
/** The SDK's names for answers without a code of S3. */
const UNNAMED = /^(Unknown|UnknownError|Error|TypeError|SyntaxError|NotFound|\d+)$/;

/** The code of an answer that is an error of S3, such as `NoSuchKey`. */
export function codeOf(error: unknown): string | undefined {
  const { name, Code, $metadata } = error as Partial<SdkError>;
  if ($metadata?.httpStatusCode === undefined) return undefined;
  const code = Code ?? name ?? '';
  return CODE.test(code) && !UNNAMED.test(code) ? code : undefined;
}

/** The region that the server expects, according to its answer. */
export function expectedRegion(error: unknown): string | undefined {
  const { Region } = error as Partial<SdkError>;
  return typeof Region === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(Region) ? Region : undefined;
}

/** Turns an error of the SDK, or of the transport below it, into ours. */
export function failureOf(error: unknown, signal: AbortSignal): ObjectStoreError {
  if (signal.aborted) return abortedBy(signal);
  if (error instanceof ObjectStoreError) return error;
  const { $metadata, message } = error as Partial<SdkError>;
  const status = $metadata?.httpStatusCode;
  const code = codeOf(error);
  if (code === 'NoSuchBucket') {
    return new ObjectStoreError('BucketMissing', 'The specified bucket does not exist', error);
  }
  if (status === 412) {
    return new ObjectStoreError('ObjectChanged', 'the object is another one by now', error);
  }
  // A 404 alone may come from any server, for example a proxy; the object must not count as deleted because of it.
  if (code === 'NoSuchKey') {
    return new ObjectStoreError('ObjectMissing', 'The specified key does not exist.', error);
  }
  if (code !== undefined && message && status !== undefined && status >= 300) {
    // minio-go's message for an answer without a text.
    const text = message === 'UnknownError' || message === code ? code : message;
    return new ObjectStoreError('Refused', quoted(text), error);
  }
  if (status !== undefined) {
    const what = `the endpoint answered with HTTP status ${status} and nothing that S3 would answer: is it an object store?`;
    return new ObjectStoreError('InvalidAnswer', what, error);
  }
  const why = error instanceof Error ? error.message : String(error);
  return new ObjectStoreError('Unreachable', quoted(why), error);
}
