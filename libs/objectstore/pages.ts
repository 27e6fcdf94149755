// Lists the objects of a bucket page by page, with limits, because a server's list may never end.
import type { ListedObject, ListLimits } from './bucket.ts';
import { ObjectStoreError, quoted } from './errors.ts';

export interface Page {
  objects: ListedObject[];
  /** The token of the next page; undefined for the last one. */
  next: string | undefined;
}

/** A list of 10,000 objects needs a fortieth of this. */
const DEFAULT_LIMITS: ListLimits = { maxObjects: 400_000, maxKeyBytes: 64 * 1024 ** 2 };
/** AWS, "Naming Amazon S3 objects"; Google has the same, Azure 1024 characters. */
const MAX_KEY_BYTES = 1024;
const MAX_KEY_CHARACTERS = 1024;
const MAX_ETAG_BYTES = 256;
/** Empty pages in a row, after which a list counts as one that never ends. */
const MAX_EMPTY_PAGES = 100;

export interface PageOptions {
  prefix: string;
  limits?: Partial<ListLimits> | undefined;
  /** Whether keys are counted in characters, each of which may have three bytes. */
  inCharacters?: boolean;
}

/**
 * Requests one page after the other, and checks their contents.
 * @throws ObjectStoreError; the message of LimitExceeded says what to do
 */
export async function* boundedPages(
  ask: (token: string | undefined) => Promise<Page>,
  options: PageOptions,
): AsyncGenerator<ListedObject[]> {
  const { maxObjects, maxKeyBytes } = { ...DEFAULT_LIMITS, ...options.limits };
  const tokens = new Set<string>();
  let count = 0;
  let keyBytes = 0;
  let empty = 0;
  let token: string | undefined;
  for (;;) {
    const { objects, next } = await ask(token);
    for (const object of objects) check(object, options);
    count += objects.length;
    keyBytes += objects.reduce((bytes, { key }) => bytes + key.length, 0);
    empty = objects.length === 0 ? empty + 1 : 0;
    if (count > maxObjects || keyBytes > maxKeyBytes) throw tooMany(maxObjects, maxKeyBytes);
    yield objects;
    if (next === undefined) return;
    if (next === '' || tokens.has(next) || empty > MAX_EMPTY_PAGES) {
      throw new ObjectStoreError('InvalidAnswer', 'the list of the objects does not end');
    }
    tokens.add(next);
    token = next;
  }
}

function check({ key, etag }: ListedObject, { prefix, inCharacters }: PageOptions): void {
  const bytes = Buffer.byteLength(key);
  const [size, unit, most] = inCharacters
    ? [key.length, 'characters', MAX_KEY_CHARACTERS]
    : [bytes, 'bytes', MAX_KEY_BYTES];
  if (size > most) {
    const what = `the key '${quoted(key)}' has ${size} ${unit}, of ${most} at most`;
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
}

function tooMany(maxObjects: number, maxKeyBytes: number): ObjectStoreError {
  const what = `the bucket has more than ${maxObjects} objects, or keys of more than ${maxKeyBytes} bytes together`;
  return new ObjectStoreError('LimitExceeded', `${what}: list a part of it with a prefix`);
}
