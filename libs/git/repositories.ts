import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createSerial } from '@weir/async';
import type { Logger } from '@weir/telemetry';
import { GitError } from './errors.ts';
import { tidyRepository } from './fetch.ts';
import { folderSize } from './growth.ts';
import type { GitLimits } from './limits.ts';

/**
 * Bare repositories on the local disk, one for each remote, so that a fetch transfers only what is new. Derived data.
 */
export interface RepositoryCache {
  /** Lets one caller at a time use a remote's folder, which may not exist yet. */
  use<T>(key: string, work: (dir: string) => Promise<T>): Promise<T>;
  /** Removes repositories that weren't used for `unusedMs` and packs those that were fetched into often. */
  tidy(unusedMs: number): Promise<void>;
}

export interface RepositoryCacheOptions {
  /** Bytes of all repositories on the disk; the least recently used ones are removed beyond that. */
  maxBytes: number;
  /** The limits of a git process. A repository that has become larger than a pack may be is not kept. */
  limits: GitLimits;
  /** Runs the tidying of one repository when there is a slot for it. */
  slot<T>(work: () => Promise<T>): Promise<T>;
  log: Logger;
  signal: AbortSignal;
}

interface Entry {
  /** Calls of `use` that run or wait. */
  users: number;
  lastMs: number;
  uses: number;
  /** Bytes on the disk after the last use. */
  bytes: number;
}

/** Uses of a repository before its packs are joined. */
const usesBeforeTidy = 50;
const tidyTimeoutMs = 10 * 60_000;

/**
 * Before each use, room for a pack of the largest size is made by removing repositories that nobody uses. With every
 * repository in use the folder may hold more, at most two packs of the largest size for each.
 * @param root the folder, which is emptied first, because a killed process may have left locks there
 */
export async function createRepositoryCache(
  root: string,
  options: RepositoryCacheOptions,
): Promise<RepositoryCache> {
  const { maxBytes, limits, slot, log, signal } = options;
  await rm(root, { recursive: true, force: true });
  const serial = createSerial();
  const entries = new Map<string, Entry>();

  async function use<T>(key: string, work: (dir: string) => Promise<T>): Promise<T> {
    const entry = entries.get(key) ?? { users: 0, lastMs: 0, uses: 0, bytes: 0 };
    entries.set(key, entry);
    entry.users += 1;
    try {
      return await serial(key, () => useAlone(key, entry, work));
    } finally {
      entry.users -= 1;
    }
  }

  async function useAlone<T>(
    key: string,
    entry: Entry,
    work: (dir: string) => Promise<T>,
  ): Promise<T> {
    const dir = join(root, key);
    entry.lastMs = Date.now();
    entry.uses += 1;
    await makeRoom();
    try {
      const result = await work(dir);
      entry.bytes = (await folderSize(dir, Number.POSITIVE_INFINITY)).bytes;
      if (entry.bytes > limits.fileBytes) await remove(key, entry);
      return result;
    } catch (error) {
      // Whatever is wrong with the repository, the next use begins with a new one.
      await remove(key, entry);
      throw error;
    }
  }

  async function remove(key: string, entry: Entry): Promise<void> {
    entry.bytes = 0;
    await rm(join(root, key), { recursive: true, force: true });
  }

  async function makeRoom(): Promise<void> {
    const idleFirst = [...entries].sort(([, a], [, b]) => a.lastMs - b.lastMs);
    const inUse = idleFirst.filter(([, entry]) => entry.users > 0);
    let total = idleFirst.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    total += inUse.length * limits.fileBytes;
    for (const [key, entry] of idleFirst) {
      if (total <= maxBytes) return;
      if (entry.users > 0) continue;
      total -= entry.bytes;
      entries.delete(key);
      // The repository is not in use and is removed at once. A new use waits until that is done.
      await serial(key, () => remove(key, entry));
    }
  }

  async function tidyOne(key: string, entry: Entry, unusedMs: number): Promise<void> {
    if (Date.now() - entry.lastMs > unusedMs) {
      await remove(key, entry);
      if (entry.users === 0 && entries.get(key) === entry) entries.delete(key);
    } else if (entry.uses >= usesBeforeTidy && entry.bytes > 0) {
      entry.uses = 0;
      await slot(() =>
        tidyRepository({ dir: join(root, key), timeoutMs: tidyTimeoutMs, signal, limits }),
      );
      entry.bytes = (await folderSize(join(root, key), Number.POSITIVE_INFINITY)).bytes;
    }
  }

  return {
    use,
    async tidy(unusedMs) {
      for (const [key, entry] of [...entries]) {
        if (signal.aborted) return;
        await serial(key, () => tidyOne(key, entry, unusedMs)).catch(async (error: unknown) => {
          if (error instanceof GitError && error.reason === 'Aborted') return;
          log.warn({ err: error }, 'a cached repository could not be tidied, removed it');
          await serial(key, () => remove(key, entry));
        });
      }
    },
  };
}
