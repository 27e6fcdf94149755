// Keeps objects of repositories in memory: an object with a given id never changes.
import { type BoundedMap, createBoundedMap } from '@weir/async';
import { type Commit, parseCommit } from './commit.ts';
import { GitError } from './errors.ts';
import { type ObjectType, writeObject } from './loose-objects.ts';
import {
  type GitObject,
  type ObjectReader,
  type ReadOptions,
  wholeContent,
  withObjects,
} from './objects.ts';
import { type RawEntry, treeEntries } from './tree-object.ts';

export type ObjectCache = BoundedMap<string, Buffer>;

/** @param maxBytes of all contents together */
export function createObjectCache(maxBytes: number): ObjectCache {
  return createBoundedMap({ max: maxBytes, weigh: (content) => content.length + OVERHEAD_BYTES });
}

/** About the memory of an entry besides its content. Bytes. */
const OVERHEAD_BYTES = 200;
const MAX_COMMIT_BYTES = 1024 ** 2;
/** A folder of about 100,000 files. */
const MAX_TREE_BYTES = 8 * 1024 ** 2;

/** An open repository. git is started when something is read that isn't in memory. Only one call at a time. */
export interface Repository {
  /** The entries of a folder, in git's order. */
  tree(id: string): Promise<RawEntry[]>;
  commit(id: string): Promise<Commit>;
  /** The folder as git stores it. */
  rawTree(id: string): Promise<Buffer>;
  /** A file that is known to be small, kept for the next time. `what` names it in messages. */
  file(id: string, maxBytes: number, what: string): Promise<Buffer>;
  /** Reads files as they come, in the order asked for; nothing of them is kept. */
  stream(ids: readonly string[], use: (object: GitObject) => Promise<void>): Promise<void>;
  /** Adds an object, and returns its id. */
  write(type: ObjectType, content: Buffer): Promise<string>;
}

/**
 * Opens a bare repository for reading and for writing objects.
 * @param options.scope represents the repository in the cache, which is shared
 */
export async function withRepository<T>(
  options: ReadOptions & { scope: string; cache: ObjectCache },
  use: (repository: Repository) => Promise<T>,
): Promise<T> {
  const { dir, scope, cache } = options;
  const reading = openOnDemand(options);
  const keyOf = (id: string) => `${scope}\0${id}`;

  async function cached(id: string, type: string, maxBytes: number, what: string) {
    const known = cache.get(keyOf(id));
    if (known !== undefined) return known;
    let content: Buffer | undefined;
    const objects = await reading.objects();
    for await (const object of objects.read([id], Number.MAX_SAFE_INTEGER)) {
      if (object.type !== type) continue;
      content = await wholeContent(object, maxBytes, what);
    }
    if (content === undefined) throw new GitError('GitOperationFailed', `${what} is no ${type}`);
    cache.set(keyOf(id), content);
    return content;
  }
  const rawTree = (id: string) => cached(id, 'tree', MAX_TREE_BYTES, `folder '${id}'`);

  try {
    return await use({
      rawTree,
      async commit(id) {
        const content = await cached(id, 'commit', MAX_COMMIT_BYTES, `commit '${id}'`);
        return parseCommit(id, content.toString('utf8'));
      },
      async tree(id) {
        const content = await rawTree(id);
        const entries: RawEntry[] = [];
        for await (const entry of treeEntries(chunkOf(content), id.length / 2)) entries.push(entry);
        return entries;
      },
      file: (id, maxBytes, what) => cached(id, 'blob', maxBytes, what),
      async stream(ids, each) {
        if (ids.length === 0) return;
        const objects = await reading.objects();
        for await (const object of objects.read(ids, Number.MAX_SAFE_INTEGER)) await each(object);
      },
      async write(type, content) {
        const id = await writeObject(dir, type, content);
        cache.set(keyOf(id), content);
        return id;
      },
    });
  } finally {
    await reading.close();
  }
}

async function* chunkOf(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

/** Starts `git cat-file` at the first read. */
function openOnDemand(options: ReadOptions) {
  let opening: Promise<ObjectReader> | undefined;
  let running: Promise<void> | undefined;
  const end = Promise.withResolvers<void>();
  return {
    objects(): Promise<ObjectReader> {
      opening ??= new Promise((resolve, reject) => {
        running = withObjects(options, (objects) => {
          resolve(objects);
          return end.promise;
        });
        running.catch(reject);
      });
      return opening;
    },
    async close(): Promise<void> {
      end.resolve();
      await running;
    },
  };
}
