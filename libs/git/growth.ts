import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError } from './errors.ts';

export interface Size {
  /** Bytes on the disk. */
  bytes: number;
  files: number;
}

/**
 * What a folder takes on the disk. It counts up to `maxFiles` files; a missing folder takes nothing, and files that are
 * removed meanwhile are not counted.
 */
export async function folderSize(dir: string, maxFiles: number): Promise<Size> {
  const size: Size = { bytes: 0, files: 0 };
  const folders = [dir];
  // One folder at a time, as opening all that is below one at once blocks the process.
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(unlessGone);
    const files: string[] = [];
    for (const entry of entries ?? []) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) files.push(path);
    }
    for (const path of files) {
      const found = await stat(path).catch(unlessGone);
      if (found === undefined) continue;
      size.files += 1;
      // A small file occupies a block of the disk.
      size.bytes += Math.max(found.size, found.blocks * 512);
      if (size.files > maxFiles) return size;
    }
  }
  return size;
}

function unlessGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  return undefined;
}

/** Files that a fetch may add: a pack is three, a server of plain files sends one for each object. */
const MAX_NEW_FILES = 20_000;
const POLL_MS = 250;

/**
 * Runs work that fills a folder, and aborts it when the folder has grown by more than it may.
 * @throws GitError LimitExceeded, at most a quarter of a second late
 */
export async function whileGrowing<T>(
  doing: string,
  options: { dir: string; maxBytes: number; signal?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { dir, maxBytes, signal } = options;
  const before = await folderSize(dir, Number.POSITIVE_INFINITY);
  const stop = new AbortController();
  let exceeded: GitError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  async function look(): Promise<void> {
    const { bytes, files } = await folderSize(dir, before.files + MAX_NEW_FILES);
    // The index of a pack and references are counted in addition to the pack itself.
    if (bytes - before.bytes > 1.25 * maxBytes) {
      const limit = `more than ${maxBytes} bytes (--git-max-pack-bytes)`;
      exceeded = new GitError('LimitExceeded', `${doing}: the server sends ${limit}`);
    } else if (files - before.files > MAX_NEW_FILES) {
      const limit = `more than ${MAX_NEW_FILES} files and references`;
      exceeded = new GitError('LimitExceeded', `${doing}: the server sends ${limit}`);
    }
    if (exceeded) stop.abort();
    else if (!ended) timer = setTimeout(watch, POLL_MS);
  }
  function watch(): void {
    look().catch((cause: unknown) => {
      exceeded = new GitError('GitOperationFailed', `${doing}: ${String(cause)}`, { cause });
      stop.abort();
    });
  }

  timer = setTimeout(watch, POLL_MS);
  try {
    return await work(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
  } catch (error) {
    throw exceeded ?? error;
  } finally {
    ended = true;
    clearTimeout(timer);
  }
}
