// Pages of a list, with requests ListObjectsV2.
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { ListedObject, ListLimits } from '../bucket.ts';
import { ObjectStoreError, quoted } from '../errors.ts';
import { boundedPages } from '../pages.ts';
import { failureOf } from './failure.ts';

/** Fails with ObjectStoreError; LimitExceeded says what to do. */
export function listPages(
  client: S3Client,
  { bucket, prefix }: { bucket: string; prefix: string },
  signal: AbortSignal,
  limits?: Partial<ListLimits>,
): AsyncGenerator<ListedObject[]> {
  const ask = async (token: string | undefined) => {
    const answer = await send(client, { bucket, prefix, token }, signal);
    return { objects: objectsOf(answer), next: nextOf(answer) };
  };
  return boundedPages(ask, { prefix, limits });
}

async function send(
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

/** A list that goes on without saying how has a token that nobody can use. */
function nextOf({ IsTruncated, NextContinuationToken }: ListObjectsV2CommandOutput) {
  return IsTruncated ? (NextContinuationToken ?? '') : undefined;
}

function objectsOf(answer: ListObjectsV2CommandOutput): ListedObject[] {
  // Every list says whether it goes on. An answer that is none would look like an empty bucket.
  if (answer.IsTruncated === undefined) {
    const what = 'the endpoint did not answer with a list of objects: is it an object store?';
    throw new ObjectStoreError('InvalidAnswer', what);
  }
  const isEncoded = answer.EncodingType === 'url';
  return (answer.Contents ?? []).map(({ Key = '', ETag = '', Size = 0 }) => ({
    key: isEncoded ? decode(Key) : Key,
    etag: ETag.replace(/^"|"$/g, ''),
    size: Number.isFinite(Size) ? Size : 0,
  }));
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
