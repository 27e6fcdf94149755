// Lists objects page by page, with the request ListObjectsV2.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { ListedObject, ListLimits } from '../bucket.ts';
import { ObjectStoreError, quoted } from '../errors.ts';
import { boundedPages } from '../pages.ts';
import { type Entry, takeContents } from './contents.ts';
import { failureOf } from './failure.ts';

/** A page as the SDK reads it, and the entries that were read without it. */
interface Answer extends ListObjectsV2CommandOutput {
  entries: Entry[] | undefined;
}

/** Fails with ObjectStoreError; the message of LimitExceeded says what to do. */
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
    // Keys may contain characters that are not allowed in XML.
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
    // It runs before the SDK parses the answer.
    { step: 'deserialize', priority: 'low', name: 'takeContents' },
  );
  try {
    return { ...(await client.send(command, { abortSignal: signal })), entries };
  } catch (error) {
    throw failureOf(error, signal);
  }
}

/** For a list that continues without a token, the token is empty, which is refused. */
function nextOf({ IsTruncated, NextContinuationToken }: Answer) {
  return IsTruncated ? (NextContinuationToken ?? '') : undefined;
}

function objectsOf(answer: Answer): ListedObject[] {
  // Every list has this field. Without the check, any other answer would look like an empty bucket.
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

/** With `encoding-type=url` a key is encoded as in a form, with a plus for a space. */
function decode(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch (cause) {
    const what = `the key '${quoted(key)}' is not encoded as the answer says`;
    throw new ObjectStoreError('InvalidAnswer', what, cause);
  }
}
