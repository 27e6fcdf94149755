// Objects of a bucket on the local disk, from where they are packed.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '@weir/async';
import { type Bucket, type ObjectContent, ObjectStoreError, quoted } from '@weir/objectstore';
import { operationFailure } from './failures.ts';
import type { PlacedObject } from './paths.ts';

/** An object whose content is in a file. */
export interface DownloadedObject extends PlacedObject {
  file: string;
}

export interface DownloadOptions {
  bucket: Bucket;
  bucketName: string;
  /** Folder of this download alone. */
  dir: string;
  /** Bytes of all objects together. */
  maxBytes: number;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Objects that are fetched at a time; each takes a connection and a buffer. */
const AT_A_TIME = 24;

/**
 * Fetches objects side by side. One that is gone by now is left out; one that is another by now has that one's ETag.
 * @throws Failure BucketOperationFailed
 */
export async function downloadObjects(
  objects: readonly PlacedObject[],
  options: DownloadOptions,
): Promise<DownloadedObject[]> {
  const { dir, maxBytes } = options;
  let left = maxBytes;
  const found = await mapBounded(objects, AT_A_TIME, async (object, index) => {
    try {
      const content = await openObject(object, options);
      if (content === undefined) return undefined;
      const file = join(dir, `${index}`);
      const size = await write(file, content, (bytes) => {
        left -= bytes;
        if (left >= 0) return;
        const what = `all objects together have more than ${maxBytes} bytes (--artifact-max-bytes)`;
        throw new ObjectStoreError('LimitExceeded', what);
      });
      return { ...object, etag: content.etag, size, file };
    } catch (cause) {
      const what = `fetch from bucket '${options.bucketName}' failed: failed to get '${quoted(object.key)}' object`;
      throw operationFailure(what, cause, options);
    }
  });
  return found.filter((object) => object !== undefined);
}

/** The object as it was listed, or as it is by now; undefined when it is gone. */
async function openObject(
  { key, etag }: PlacedObject,
  { bucket, signal }: DownloadOptions,
): Promise<ObjectContent | undefined> {
  try {
    try {
      return await bucket.read(key, { etag, signal });
    } catch (error) {
      if (!isError(error, 'ObjectChanged')) throw error;
      return await bucket.read(key, { signal });
    }
  } catch (error) {
    if (isError(error, 'ObjectMissing')) return undefined;
    throw error;
  }
}

function isError(error: unknown, reason: ObjectStoreError['reason']): boolean {
  return error instanceof ObjectStoreError && error.reason === reason;
}

/** Writes the content to a file and gives its size; `count` may end it. */
async function write(
  file: string,
  { content, close }: ObjectContent,
  count: (bytes: number) => void,
): Promise<number> {
  const output = await open(file, 'wx', 0o600);
  let size = 0;
  try {
    for await (const chunk of content) {
      count(chunk.length);
      size += chunk.length;
      await output.writeFile(chunk);
    }
  } finally {
    close();
    await output.close();
  }
  return size;
}
