import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '@weir/telemetry';
import { digestName, hashFor } from './digest.ts';
import { storageError } from './errors.ts';

/** Artifacts on the local disk, by digest. A folder may be shared by several caches, in one process or many. */
export interface Cache {
  /** Path of an artifact whose content was checked against its digest; undefined if it isn't there. */
  find(digest: string): Promise<string | undefined>;
  /** Stores an artifact whole or not at all; rejects with ArtifactError (StorageFull ...). */
  write(digest: string, content: Content): Promise<string>;
  readManifest(digest: string): Promise<Buffer | undefined>;
  writeManifest(digest: string, manifest: Uint8Array): Promise<void>;
  remove(digest: string): Promise<void>;
}

/** Bytes in memory, or a stream of them that fails if they aren't what was asked for. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

export interface CacheOptions {
  dir: string;
  /** The least recently used files go when the folder holds more. */
  maxBytes: number;
  /** What must not go: it is nowhere else. */
  isPinned?(digest: string): boolean;
  log?: Logger;
}

const ARCHIVE = '.tar.gz';
const MANIFEST = '.manifest';
const TEMPORARY = '.part';
/** Whoever was given a path may be about to open it. */
const IN_USE_MS = 60_000;
const STALE_MS = 60 * 60_000;

export function createCache(options: CacheOptions): Cache {
  const { dir, log } = options;
  // Which state of a file was checked: a check is done again when the file isn't the same any more.
  const checked = new Map<string, string>();

  const archive = (digest: string) => join(dir, `${digestName(digest)}${ARCHIVE}`);
  const manifest = (digest: string) => join(dir, `${digestName(digest)}${MANIFEST}`);

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
    // The time of access is ours to set: it says what was used last, also where the mount doesn't keep it.
    await utimes(path, new Date(), state.mtime).catch(unlessGone);
    return path;
  }

  async function write(digest: string, content: Content): Promise<string> {
    const path = archive(digest);
    await writeWhole(path, content);
    const state = await fileState(path);
    if (state !== undefined) checked.set(digest, state.identity);
    await evict(options.maxBytes);
    return path;
  }

  async function writeWhole(path: string, content: Content): Promise<void> {
    const part = join(dir, `${randomUUID()}${TEMPORARY}`);
    try {
      await mkdir(dir, { recursive: true });
      await writeAll(part, content);
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true }).catch((cause) =>
        log?.warn({ err: cause }, 'Left a part file'),
      );
      throw isSystemError(error) ? storageError('cannot store an artifact', error) : error;
    }
  }

  /** Removes what was used longest ago until no more than `maxBytes` are left, and parts that a crash left. */
  async function evict(maxBytes: number): Promise<void> {
    const files = (await listFiles(dir)).sort((a, b) => a.usedMs - b.usedMs);
    let total = files.reduce((sum, file) => sum + file.size, 0);
    for (const file of files) {
      const age = Date.now() - file.usedMs;
      const stale = file.name.endsWith(TEMPORARY) && age > STALE_MS;
      if (!stale && (total <= maxBytes || age < IN_USE_MS || isPinned(file.name))) continue;
      await rm(join(dir, file.name), { force: true });
      total -= file.size;
    }
  }

  function isPinned(name: string): boolean {
    if (name.endsWith(TEMPORARY)) return true;
    const digest = `sha256:${name.slice(0, name.indexOf('.'))}`;
    return options.isPinned?.(digest) ?? false;
  }

  return {
    find,
    write,
    readManifest: async (digest) => {
      try {
        return await readFile(manifest(digest));
      } catch (error) {
        unlessGone(error);
        return undefined;
      }
    },
    writeManifest: (digest, bytes) => writeWhole(manifest(digest), bytes),
    remove: async (digest) => {
      checked.delete(digest);
      await rm(archive(digest), { force: true });
      await rm(manifest(digest), { force: true });
    },
  };
}

async function writeAll(path: string, content: Content): Promise<void> {
  const file = await open(path, 'wx', 0o640);
  try {
    const chunks = content instanceof Uint8Array ? [content] : content;
    for await (const chunk of chunks) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

async function fileState(path: string) {
  try {
    const { ino, size, mtimeMs, mtime } = await stat(path);
    return { identity: `${ino}:${size}:${mtimeMs}`, mtime };
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

async function listFiles(dir: string) {
  const files: { name: string; size: number; usedMs: number }[] = [];
  for (const name of await readdir(dir)) {
    if (!/\.(tar\.gz|manifest|part)$/.test(name)) continue;
    try {
      const { size, atimeMs, mtimeMs } = await stat(join(dir, name));
      files.push({ name, size, usedMs: Math.max(atimeMs, mtimeMs) });
    } catch (error) {
      // Another cache on the same folder was faster.
      unlessGone(error);
    }
  }
  return files;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function unlessGone(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  throw error;
}
