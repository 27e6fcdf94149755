import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '@weir/telemetry';
import { createCacheSpace, PART_SUFFIX, type Reservation } from './cache-space.ts';
import { digestName, hashFor } from './digest.ts';
import { isSystemError, storageError } from './errors.ts';

/** Artifacts on the local disk, by digest. A folder may be shared by several caches, in one process or many. */
export interface Cache {
  /** Path of an artifact whose content was checked against its digest; undefined if it isn't there. */
  find(digest: string): Promise<string | undefined>;
  /** Stores an artifact whole or not at all; rejects with ArtifactError (StorageFull ...). */
  write(digest: string, content: Content): Promise<string>;
  /** Moves a complete file with this content into the cache; it is no longer at its old place, even after a failure. */
  adopt(digest: string, file: string): Promise<string>;
  readFileIndex(digest: string): Promise<Buffer | undefined>;
  writeFileIndex(digest: string, fileIndex: Uint8Array): Promise<void>;
  remove(digest: string): Promise<void>;
}

/** Bytes in memory, or a stream that fails at its end if the content is wrong. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

export interface CacheOptions {
  dir: string;
  /** The limit of the folder: the least recently used files are removed when it holds more. */
  maxBytes: number;
  /** How much more it may hold in files that are in use or being written; 256 MiB unless given. */
  slackBytes?: number;
  /** Whether an artifact must stay because it has no other copy. */
  isPinned?(digest: string): boolean;
  log?: Logger;
}

const ARCHIVE = '.tar.gz';
const FILE_INDEX = '.file-index';

export function createCache(options: CacheOptions): Cache {
  const { dir, log } = options;
  // The state in which each file was checked. A file in another state is checked again.
  const checked = new Map<string, string>();
  const space = createCacheSpace(options);

  const archive = (digest: string) => join(dir, `${digestName(digest)}${ARCHIVE}`);
  const fileIndex = (digest: string) => join(dir, `${digestName(digest)}${FILE_INDEX}`);

  async function find(digest: string): Promise<string | undefined> {
    const path = archive(digest);
    const state = await fileState(path);
    if (state === undefined) return undefined;
    if (checked.get(digest) !== state.identity) {
      if ((await hashFile(path, digest)) !== digest) {
        log?.warn({ digest }, 'An artifact on the local disk is damaged, removed it');
        await rm(path, { force: true });
        return undefined;
      }
      checked.set(digest, state.identity);
    }
    // The time of access records which file was used last. It is set here, because a file system may be mounted without
    // it.
    await utimes(path, new Date(), state.mtime).catch(unlessGone);
    return path;
  }

  async function write(digest: string, content: Content): Promise<string> {
    const path = archive(digest);
    await writeWhole(path, content);
    return stored(digest, path, 'reserved');
  }

  async function adopt(digest: string, file: string): Promise<string> {
    const path = archive(digest);
    try {
      await mkdir(dir, { recursive: true });
      await rename(file, path).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EXDEV') throw error;
        await copyFile(file, path);
      });
    } catch (error) {
      throw isSystemError(error) ? storageError('cannot store an artifact', error) : error;
    } finally {
      await rm(file, { force: true });
    }
    return stored(digest, path, 'added');
  }

  async function stored(digest: string, path: string, how: 'reserved' | 'added'): Promise<string> {
    const state = await fileState(path);
    if (state !== undefined) checked.set(digest, state.identity);
    await space.tidy(how === 'added' ? state?.size : 0);
    return path;
  }

  async function writeWhole(path: string, content: Content): Promise<void> {
    const part = join(dir, `${randomUUID()}${PART_SUFFIX}`);
    const reservation = space.reserve(part);
    try {
      await mkdir(dir, { recursive: true });
      await writeAll(part, content, reservation);
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true }).catch((cause) =>
        log?.warn({ err: cause }, 'Left a part file'),
      );
      throw isSystemError(error) ? storageError('cannot store an artifact', error) : error;
    } finally {
      reservation.release();
    }
  }

  return {
    find,
    write,
    adopt,
    readFileIndex: async (digest) => {
      try {
        return await readFile(fileIndex(digest));
      } catch (error) {
        unlessGone(error);
        return undefined;
      }
    },
    writeFileIndex: (digest, bytes) => writeWhole(fileIndex(digest), bytes),
    remove: async (digest) => {
      checked.delete(digest);
      await rm(archive(digest), { force: true });
      await rm(fileIndex(digest), { force: true });
    },
  };
}

async function writeAll(path: string, content: Content, reservation: Reservation): Promise<void> {
  const file = await open(path, 'wx', 0o640);
  try {
    const chunks = content instanceof Uint8Array ? [content] : content;
    for await (const chunk of chunks) {
      await reservation.grow(chunk.length);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
}

async function fileState(path: string) {
  try {
    const { ino, size, mtimeMs, mtime } = await stat(path);
    return { identity: `${ino}:${size}:${mtimeMs}`, size, mtime };
  } catch (error) {
    unlessGone(error);
    return undefined;
  }
}

async function hashFile(path: string, digest: string): Promise<string> {
  const hash = hashFor(digest);
  await pipeline(createReadStream(path), hash);
  return `${digest.slice(0, digest.indexOf(':'))}:${hash.digest('hex')}`;
}

function unlessGone(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  throw error;
}
