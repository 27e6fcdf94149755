// Pages of a list, with requests ListObjectsV2.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { ListedObject, ListLimits } from '../bucket.ts';
import { ObjectStoreError, quoted } from '../errors.ts';
import { boundedPages } from '../pages.ts';
import { type Entry, takeContents } from './contents.ts';
import { failureOf } from './failure.ts';

/** A page as the SDK reads it, and its entries where it needn't. */
interface Answer extends ListObjectsV2CommandOutput {
  entries: Entry[] | undefined;
}

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
): Promise<Answer> {
  const { ListObjectsV2Command } = await import('./sdk.ts');
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    // Keys may hold characters that XML can't.
    EncodingType: 'url',
    ...(prefix === '' ? {} : { Prefix: prefix }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
  });
  let entries: Entry[] | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode: number; body: Readable };
      entries = undefined;
      if (response.statusCode !== 200) return result;
      const xml = await text(response.body);
      const contents = takeContents(xml);
      entries = contents?.entries;
      response.body = Readable.from([Buffer.from(contents?.rest ?? xml)]);
      return result;
    },
    // Nearer to the answer than the SDK's own reading of it.
    { step: 'deserialize', priority: 'low', name: 'takeContents' },
  );
  try {
    return { ...(await client.send(command, { abortSignal: signal })), entries };
  } catch (error) {
    throw failureOf(error, signal);
  }
}

/** A list that goes on without saying how has a token that nobody can use. */
function nextOf({ IsTruncated, NextContinuationToken }: Answer) {
  return IsTruncated ? (NextContinuationToken ?? '') : undefined;
}

function objectsOf(answer: Answer): ListedObject[] {
  // Every list says whether it goes on. An answer that is none would look like an empty bucket.
  if (answer.IsTruncated === undefined) {
    const what = 'the endpoint did not answer with a list of objects: is it an object store?';
    throw new ObjectStoreError('InvalidAnswer', what);
  }
  const isEncoded = answer.EncodingType === 'url';
  const entries =
    answer.entries ??
    (answer.Contents ?? []).map(({ Key = '', ETag = '', Size = 0 }) => ({
      ...{ key: Key, etag: ETag, size: `${Size}` },
    }));
  return entries.map(({ key, etag, size }) => ({
    key: isEncoded ? decode(key) : key,
    etag: etag.replace(/^"|"$/g, ''),
    size: Number.isFinite(Number(size)) ? Number(size) : 0,
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
