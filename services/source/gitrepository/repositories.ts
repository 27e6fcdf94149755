import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createSerial } from '@weir/async';
import { GitError, tidyRepository } from '@weir/git';
import type { Logger } from '@weir/telemetry';

/** Bare repositories on this machine, one a remote, that make a fetch transfer only what is new. Derived data. */
export interface RepositoryCache {
  /** Gives a remote's folder to one user at a time; the folder may not exist yet. */
  use<T>(key: string, work: (dir: string) => Promise<T>): Promise<T>;
  /** Removes repositories that weren't used for `unusedMs` and packs those that were fetched into often. */
  tidy(unusedMs: number): Promise<void>;
}

/** Uses of a repository before its packs are made one. */
const usesBeforeTidy = 50;
const tidyTimeoutMs = 10 * 60_000;

/** @param root the folder to keep them in, emptied first: a process that was killed may have left locks there */
export async function createRepositoryCache(
  root: string,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<RepositoryCache> {
  await rm(root, { recursive: true, force: true });
  const queue = createSerial();
  const uses = new Map<string, { last: number; count: number }>();

  function use<T>(key: string, work: (dir: string) => Promise<T>): Promise<T> {
    return queue(key, async () => {
      const dir = join(root, key);
      uses.set(key, { last: Date.now(), count: (uses.get(key)?.count ?? 0) + 1 });
      try {
        return await work(dir);
      } catch (error) {
        // Whatever is wrong with it, the next one starts with a new one.
        await rm(dir, { recursive: true, force: true });
        throw error;
      }
    });
  }

  async function tidyOne(key: string, unusedMs: number): Promise<void> {
    const dir = join(root, key);
    const used = uses.get(key) ?? { last: 0, count: 0 };
    if (Date.now() - used.last > unusedMs) {
      await rm(dir, { recursive: true, force: true });
      uses.delete(key);
    } else if (used.count >= usesBeforeTidy) {
      await tidyRepository({ dir, timeoutMs: tidyTimeoutMs, signal });
      uses.set(key, { ...used, count: 0 });
    }
  }

  return {
    use,
    async tidy(unusedMs) {
      const keys = await readdir(root).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      for (const key of keys) {
        if (signal.aborted) return;
        await queue(key, () => tidyOne(key, unusedMs)).catch((error: unknown) => {
          if (!(error instanceof GitError) || error.reason !== 'Aborted')
            log.warn({ err: error }, 'a cached repository could not be tidied');
        });
      }
    },
  };
}
