// Lists a bucket: the objects that the ignore rules keep, and the revision computed from them.
import { createHash } from 'node:crypto';
import type { Bucket, ListedObject, ObjectContent } from '@weir/objectstore';
import { ObjectStoreError } from '@weir/objectstore';
import { type IgnoreOptions, withoutIgnored } from '../shared/ignore.ts';
import { only } from './content.ts';
import { operationFailure } from './failures.ts';

/** The object at the root of a bucket with ignore rules. Such objects in folders are ignored, as in Flux. */
export const IGNORE_FILE = '.sourceignore';
/** The limit for all `.sourceignore` files of a repository is the same. Bytes. */
const MAX_IGNORE_BYTES = 256 * 1024;

/** The ignore rules in the bucket itself. */
export interface IgnoreFile {
  etag: string;
  content: Buffer;
}

export interface Listing {
  /** `sha256:<hex>` of the lines `key etag`. */
  revision: string;
  /** Sorted by key, without folder markers and IGNORE_FILE. */
  objects: ListedObject[];
  ignoreFile: IgnoreFile | undefined;
}

export interface ListOptions extends IgnoreOptions {
  bucket: Bucket;
  bucketName: string;
  prefix: string;
  /** The rules that were read last. */
  known: IgnoreFile | undefined;
}

/**
 * Lists a bucket. The rules are read only if their object has changed.
 * @throws Failure BucketOperationFailed
 */
export async function listBucket(options: ListOptions): Promise<Listing> {
  const { objects: all, ignoreFile: listed } = await readList(options);
  const ignoreFile = await readRules(listed, options);
  const kept = await applyRules(all, ignoreFile, options);
  const objects = sortByKey(kept);
  return { revision: revisionOf(objects), objects, ignoreFile };
}

/** The revision of objects that are sorted by key. */
export function revisionOf(objects: Iterable<Pick<ListedObject, 'key' | 'etag'>>): string {
  const hash = createHash('sha256');
  for (const { key, etag } of objects) hash.update(`${key} ${etag}\n`);
  return `sha256:${hash.digest('hex')}`;
}

async function readList(options: ListOptions) {
  const { bucket, bucketName, prefix, signal } = options;
  const objects = new Map<string, ListedObject>();
  let ignoreFile: ListedObject | undefined;
  let pages = 0;
  try {
    for await (const page of bucket.list(prefix, { signal })) {
      pages += 1;
      for (const object of page) {
        if (object.key === IGNORE_FILE) ignoreFile = object;
        else if (!object.key.endsWith('/')) objects.set(object.key, object);
      }
    }
  } catch (cause) {
    // The first page shows what Flux asks beforehand: whether the bucket exists and the credentials are valid.
    const what =
      pages === 0
        ? `failed to confirm existence of '${bucketName}' bucket`
        : `indexation of objects from bucket '${bucketName}' failed: listing objects from bucket '${bucketName}' failed`;
    throw operationFailure(what, cause, options);
  }
  return { objects: [...objects.values()], ignoreFile };
}

async function readRules(
  listed: ListedObject | undefined,
  options: ListOptions,
): Promise<IgnoreFile | undefined> {
  const { bucket, prefix, known, signal } = options;
  if (listed !== undefined && listed.etag !== '' && listed.etag === known?.etag) return known;
  // A list under a prefix doesn't show whether there is such an object at the root.
  if (listed === undefined && IGNORE_FILE.startsWith(prefix)) return undefined;
  try {
    const object = await bucket.read(IGNORE_FILE, { signal });
    return { etag: object.etag, content: await wholeContent(object) };
  } catch (cause) {
    if (cause instanceof ObjectStoreError && cause.reason === 'ObjectMissing') return undefined;
    throw operationFailure(`failed to get Etag for '${IGNORE_FILE}' object`, cause, options);
  }
}

async function wholeContent({ content, close }: ObjectContent): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > MAX_IGNORE_BYTES) {
      close();
      throw new ObjectStoreError('LimitExceeded', `it has more than ${MAX_IGNORE_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function applyRules(
  objects: ListedObject[],
  ignoreFile: IgnoreFile | undefined,
  options: ListOptions,
): Promise<ListedObject[]> {
  if (ignoreFile === undefined && !options.ignore) return objects;
  const files = objects.map((object) => ({ ...object, path: object.key }));
  const rules = async function* () {
    if (ignoreFile === undefined) return;
    yield { path: IGNORE_FILE, content: only(ignoreFile.content) };
  };
  return withoutIgnored(files, rules, { ...options, noDefaults: true });
}

/** Sorted as in Go: by the bytes in UTF-8. */
function sortByKey(objects: readonly ListedObject[]): ListedObject[] {
  return objects
    .map((object) => ({ object, bytes: Buffer.from(object.key) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ object }) => object);
}
