// The objects of a bucket, page by page and bounded: a server may go on for ever.
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import { ObjectStoreError, quoted } from './errors.ts';
import { failureOf } from './failure.ts';

export interface ListedObject {
  key: string;
  /** Without quotation marks. */
  etag: string;
  /** Bytes. */
  size: number;
}

export interface ListLimits {
  /** Objects of all pages. */
  maxObjects: number;
  /** Bytes of the keys of all pages. */
  maxKeyBytes: number;
}

/** What a list of 10,000 objects takes is a fortieth of this. */
const DEFAULT_LIMITS: ListLimits = { maxObjects: 400_000, maxKeyBytes: 64 * 1024 ** 2 };
/** AWS, "Naming Amazon S3 objects". */
const MAX_KEY_BYTES = 1024;
const MAX_ETAG_BYTES = 256;
/** Pages without an object, one after the other, before a server counts as one that goes on for ever. */
const MAX_EMPTY_PAGES = 100;

/** Lists with requests ListObjectsV2. Fails with ObjectStoreError; LimitExceeded says what to do. */
export async function* listPages(
  client: S3Client,
  { bucket, prefix }: { bucket: string; prefix: string },
  signal: AbortSignal,
  limits: Partial<ListLimits> = {},
): AsyncGenerator<ListedObject[]> {
  const { maxObjects, maxKeyBytes } = { ...DEFAULT_LIMITS, ...limits };
  const tokens = new Set<string>();
  let objects = 0;
  let keyBytes = 0;
  let empty = 0;
  let token: string | undefined;
  for (;;) {
    const answer = await ask(client, { bucket, prefix, token }, signal);
    const page = readPage(answer, prefix);
    objects += page.length;
    keyBytes += page.reduce((bytes, { key }) => bytes + key.length, 0);
    empty = page.length === 0 ? empty + 1 : 0;
    if (objects > maxObjects || keyBytes > maxKeyBytes) throw tooMany(maxObjects, maxKeyBytes);
    yield page;
    if (!answer.IsTruncated) return;
    token = answer.NextContinuationToken;
    if (!token || tokens.has(token) || empty > MAX_EMPTY_PAGES) {
      throw new ObjectStoreError('InvalidAnswer', 'the list of the objects does not end');
    }
    tokens.add(token);
  }
}

async function ask(
  client: S3Client,
  { bucket, prefix, token }: { bucket: string; prefix: string; token: string | undefined },
  signal: AbortSignal,
): Promise<ListObjectsV2CommandOutput> {
  const { ListObjectsV2Command } = await import('./sdk.ts');
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    // Keys may hold characters that XML can't.
    EncodingType: 'url',
    ...(prefix === '' ? {} : { Prefix: prefix }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
  });
  try {
    return await client.send(command, { abortSignal: signal });
  } catch (error) {
    throw failureOf(error, signal);
  }
}

function readPage(answer: ListObjectsV2CommandOutput, prefix: string): ListedObject[] {
  // Every list says whether it goes on. An answer that is none would look like an empty bucket.
  if (answer.IsTruncated === undefined) {
    const what = 'the endpoint did not answer with a list of objects: is it an object store?';
    throw new ObjectStoreError('InvalidAnswer', what);
  }
  const isEncoded = answer.EncodingType === 'url';
  return (answer.Contents ?? []).flatMap(({ Key = '', ETag = '', Size = 0 }) => {
    const key = isEncoded ? decode(Key) : Key;
    const etag = ETag.replace(/^"|"$/g, '');
    const bytes = Buffer.byteLength(key);
    if (bytes > MAX_KEY_BYTES) {
      const what = `the key '${quoted(key)}' has ${bytes} bytes, of ${MAX_KEY_BYTES} at most`;
      throw new ObjectStoreError('InvalidAnswer', what);
    }
    if (etag.length > MAX_ETAG_BYTES || !/^[\x21-\x7e]*$/.test(etag)) {
      const what = `the ETag of the object '${quoted(key)}' can't be used`;
      throw new ObjectStoreError('InvalidAnswer', what);
    }
    if (!key.startsWith(prefix)) {
      const what = `the key '${quoted(key)}' does not begin with the prefix that was asked for`;
      throw new ObjectStoreError('InvalidAnswer', what);
    }
    return [{ key, etag, size: Number.isFinite(Size) ? Size : 0 }];
  });
}

/** With `encoding-type=url` a key is written as in a form, a space as a plus. */
function decode(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch (cause) {
    const what = `the key '${quoted(key)}' is not encoded as the answer says`;
    throw new ObjectStoreError('InvalidAnswer', what, cause);
  }
}

function tooMany(maxObjects: number, maxKeyBytes: number): ObjectStoreError {
  const what = `the bucket has more than ${maxObjects} objects, or keys of more than ${maxKeyBytes} bytes together`;
  return new ObjectStoreError('LimitExceeded', `${what}: list a part of it with a prefix`);
}
