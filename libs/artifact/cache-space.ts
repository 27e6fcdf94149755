// Limits what a cache's folder may hold: finished files, and files that are being written.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSerial } from '@weir/async';
import { ArtifactError } from './errors.ts';

export const PART_SUFFIX = '.part';

export interface CacheSpaceOptions {
  dir: string;
  maxBytes: number;
  slackBytes?: number;
  /** Whether an artifact must stay because it has no other copy. */
  isPinned?(digest: string): boolean;
}

export interface CacheSpace {
  /**
   * Removes the least recently used files until no more than `maxBytes` are left, and parts that a crash left.
   * @param added bytes of a file that is in the folder and was not reserved
   */
  tidy(added?: number): Promise<void>;
  /** Begins to count a file that is going to be written. */
  reserve(path: string): Reservation;
}

export interface Reservation {
  /**
   * Makes room for more bytes. Rejects with ArtifactError StorageFull when files that are in use, pinned or being
   * written leave none.
   */
  grow(bytes: number): Promise<void>;
  release(): void;
}

interface CachedFile {
  name: string;
  size: number;
  usedMs: number;
}

const DEFAULT_SLACK = 256 * 1024 ** 2;
/** Room is made in steps of this size. Bytes. */
const STEP = 4 * 1024 ** 2;
/** The share of a full folder that is emptied at once, so that it need not be listed again for the next file. */
const SPARE = 1 / 16;
/** How long a count is used, in ms, because other processes may write into the folder too. */
const COUNTED_MS = 10_000;
/** For so long (ms) a caller that was given the path of a file may be about to open it. */
const IN_USE_MS = 60_000;
/** For so long (ms) a file stays even if there is no other room. Its reader then fails in a way that passes. */
const SURELY_IN_USE_MS = 5_000;
const STALE_PART_MS = 60 * 60_000;

export function createCacheSpace(options: CacheSpaceOptions): CacheSpace {
  const { dir, maxBytes, slackBytes = DEFAULT_SLACK } = options;
  const writing = new Map<string, { granted: number }>();
  const serial = createSerial();
  /**
   * An upper bound of what the folder holds. It is counted again when the bound is too high, or too old, because a
   * listing reads all files' sizes.
   */
  let counted: { bytes: number; atMs: number } | undefined;

  /**
   * If there are more than `limit` bytes, including `extra`, removes files until no more than `target` are left;
   * returns what is left.
   */
  async function shrink(
    limit: number,
    extra: number,
    idleMs: number,
    target = limit,
  ): Promise<number> {
    const files = (await listFiles(dir)).sort((a, b) => a.usedMs - b.usedMs);
    let total = files.reduce((sum, file) => sum + held(file), extra);
    const most = total <= limit ? limit : target;
    for (const file of files) {
      const age = Date.now() - file.usedMs;
      const isPart = file.name.endsWith(PART_SUFFIX);
      const stale = isPart && age > STALE_PART_MS;
      if (!stale && (total <= most || isPart || age < idleMs || isPinned(file.name))) continue;
      await rm(join(dir, file.name), { force: true });
      total -= held(file);
    }
    counted = { bytes: total, atMs: performance.now() };
    return total;
  }

  /** A file that is being written counts with all bytes that it was granted. */
  function held({ name, size }: CachedFile): number {
    return Math.max(size, writing.get(join(dir, name))?.granted ?? 0);
  }

  function isPinned(name: string): boolean {
    return options.isPinned?.(`sha256:${name.slice(0, name.indexOf('.'))}`) ?? false;
  }

  /** Whether so many more bytes certainly fit into `limit`; they are counted from then on. */
  function fitsIn(limit: number, bytes: number): boolean {
    if (counted === undefined) return false;
    counted.bytes += bytes;
    return counted.bytes <= limit && performance.now() - counted.atMs < COUNTED_MS;
  }

  async function makeRoom(bytes: number): Promise<void> {
    const limit = maxBytes + slackBytes;
    if (fitsIn(limit, bytes)) return;
    if ((await shrink(limit, bytes, IN_USE_MS)) <= limit) return;
    if ((await shrink(limit, bytes, SURELY_IN_USE_MS)) <= limit) return;
    throw new ArtifactError(
      'StorageFull',
      `the artifact cache of ${maxBytes} bytes is full of artifacts in use: try again later, or enlarge it`,
      { transient: true },
    );
  }

  return {
    async tidy(added = 0) {
      await serial('', async () => {
        if (fitsIn(maxBytes, added)) return;
        await shrink(maxBytes, 0, IN_USE_MS, maxBytes * (1 - SPARE));
      });
    },
    reserve(path) {
      const file = { granted: 0 };
      let written = 0;
      return {
        async grow(bytes) {
          written += bytes;
          if (written <= file.granted) return;
          const step = Math.max(STEP, written - file.granted);
          await serial('', async () => {
            await makeRoom(step);
            file.granted += step;
            writing.set(path, file);
          });
        },
        release() {
          if (!writing.delete(path) || counted === undefined) return;
          counted.bytes -= file.granted - Math.min(written, file.granted);
        },
      };
    },
  };
}

async function listFiles(dir: string): Promise<CachedFile[]> {
  const files: CachedFile[] = [];
  for (const name of await readdir(dir)) {
    if (!/\.(tar\.gz|file-index|part)$/.test(name)) continue;
    try {
      const { size, atimeMs, mtimeMs } = await stat(join(dir, name));
      files.push({ name, size, usedMs: Math.max(atimeMs, mtimeMs) });
    } catch (error) {
      // Another cache on the same folder has removed it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return files;
}
