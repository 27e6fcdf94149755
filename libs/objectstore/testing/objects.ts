// Objects in memory, with states that have names.
export interface StoredObject {
  content: Buffer;
  /** Counts up with each change of any object. */
  version: number;
  /** A size that the list gives in place of the content's, in bytes. */
  claims?: number;
}

/** A bucket of a local server, as a test fills it. */
export interface FilledBucket {
  objects: Map<string, StoredObject>;
  put(objects: Record<string, string>): void;
  /** An object whose listed size isn't that of its content. */
  pretend(key: string, bytes: number): void;
  remove(...keys: string[]): void;
}

let changes = 0;

export function fillBucket(objects: Record<string, string> = {}): FilledBucket {
  const all = new Map<string, StoredObject>();
  const bucket: FilledBucket = {
    objects: all,
    put(more) {
      for (const [key, text] of Object.entries(more)) {
        all.set(key, { content: Buffer.from(text), version: ++changes });
      }
    },
    pretend(key, bytes) {
      all.set(key, { content: Buffer.from('x'), version: ++changes, claims: bytes });
    },
    remove(...keys) {
      for (const key of keys) all.delete(key);
    },
  };
  bucket.put(objects);
  return bucket;
}

export interface ListedPage {
  entries: [key: string, object: StoredObject][];
  next: string | undefined;
}

/** A page in the order of the keys; the token is the position of its first object. */
export function pageOf(
  { objects }: FilledBucket,
  { prefix, token, size }: { prefix: string; token: string; size: number },
): ListedPage {
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  const from = Number(token || 0);
  const entries = keys.slice(from, from + size).flatMap((key): ListedPage['entries'] => {
    const object = objects.get(key);
    return object === undefined ? [] : [[key, object]];
  });
  return { entries, next: from + size < keys.length ? String(from + size) : undefined };
}

/** The requests of a server, and the answers that a test gives instead of the server's own. */
export interface Watched {
  /** Method, path and query of each request, in the order of their arrival. */
  requests: string[];
  /** Answers requests for which it returns true. */
  intercept?: ((url: URL, response: import('node:http').ServerResponse) => boolean) | undefined;
}
