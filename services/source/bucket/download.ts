// Downloads objects of a bucket to pack them: small ones into memory, the others to the disk.
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '@weir/async';
import { type Bucket, type ObjectContent, ObjectStoreError, quoted } from '@weir/objectstore';
import { onDisk } from '../shared/disk.ts';
import { only } from './content.ts';
import { operationFailure } from './failures.ts';
import type { PlacedObject } from './paths.ts';

/** An object that was downloaded. */
export interface DownloadedObject extends PlacedObject {
  content(): AsyncIterable<Uint8Array>;
}

export interface DownloadOptions {
  bucket: Bucket;
  bucketName: string;
  /** Folder of this download only. */
  dir: string;
  /** Bytes of all objects together. */
  maxBytes: number;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Objects that are fetched at a time. Each takes a connection and a buffer. */
const AT_A_TIME = 24;
/** Objects up to this size are kept in memory, because a file would take longer than the request. Bytes. */
const SMALL = 64 * 1024;
/** Bytes of all objects in memory. */
const HELD = 16 * 1024 ** 2;
/** So many pieces of an object are joined to one. */
const PIECES = 64;

/**
 * Fetches several objects at a time. An object that was deleted meanwhile is left out; for one that was changed the
 * result has the new ETag.
 * @throws Failure BucketOperationFailed
 */
export async function downloadObjects(
  objects: readonly PlacedObject[],
  options: DownloadOptions,
): Promise<DownloadedObject[]> {
  const { dir, maxBytes } = options;
  let left = maxBytes;
  let free = HELD;
  const found = await mapBounded(objects, AT_A_TIME, async (object, index) => {
    try {
      const content = await openObject(object, options);
      if (content === undefined) return undefined;
      const count = (bytes: number) => {
        left -= bytes;
        if (left >= 0) return;
        const what = `all objects together have more than ${maxBytes} bytes (--artifact-max-bytes)`;
        throw new ObjectStoreError('LimitExceeded', what);
      };
      const isHeld = object.size <= SMALL && object.size <= free;
      if (isHeld) free -= object.size;
      const most = isHeld ? object.size : 0;
      const received = await receive(content, { file: join(dir, `${index}`), most, count });
      return { ...object, etag: content.etag, ...received };
    } catch (cause) {
      const what = `fetch from bucket '${options.bucketName}' failed: failed to get '${quoted(object.key)}' object`;
      throw operationFailure(what, cause, options);
    }
  });
  return found.filter((object) => object !== undefined);
}

/** Opens the object in the listed state, or in its present one; undefined when it was deleted. */
async function openObject(
  { key, etag, version }: PlacedObject,
  { bucket, signal }: DownloadOptions,
): Promise<ObjectContent | undefined> {
  try {
    try {
      return await bucket.read(key, { etag, version, signal });
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

interface ReceiveOptions {
  /** Path for the content when it is too large for memory. */
  file: string;
  /** Bytes that may be in memory. */
  most: number;
  /** Counts bytes; it throws when there are too many. */
  count(bytes: number): void;
}

/** Receives the content, into memory or into a file. */
async function receive(
  { content, close }: ObjectContent,
  { file, most, count }: ReceiveOptions,
): Promise<Pick<DownloadedObject, 'size' | 'content'>> {
  const held: Uint8Array[] = [];
  let output: FileHandle | undefined;
  let size = 0;
  try {
    for await (const chunk of content) {
      count(chunk.length);
      size += chunk.length;
      held.push(chunk);
      // A server may send a byte at a time, and each piece keeps the whole buffer in which it was received.
      if (held.length >= PIECES) held.splice(0, held.length, Buffer.concat(held));
      if (size <= most) continue;
      output ??= await onDisk(() => open(file, 'wx', 0o600));
      const parts = held.splice(0);
      await onDisk(async () => output?.writev(parts));
    }
  } finally {
    close();
    await output?.close();
  }
  if (output !== undefined) return { size, content: () => createReadStream(file) };
  const whole = Buffer.concat(held);
  return { size, content: () => only(whole) };
}
