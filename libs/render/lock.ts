import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HEARTBEAT_MS = 2_000;
const STALE_MS = 15_000;
const POLL_MS = 250;

export interface LockOptions {
  /** Aborts the wait. */
  signal?: AbortSignal | undefined;
  /** Called once if another process holds the lock. */
  onWait?: (() => void) | undefined;
  /** Called while waiting. Resolves with true when the lock is no longer needed. */
  isDone(): Promise<boolean>;
}

/**
 * Runs `work` while it holds the lock at `path`, so that only one of many processes on a machine does the work. Returns
 * whether it ran; it doesn't if `isDone` resolves with true first. The holder touches the file regularly. When a holder
 * has crashed, its lock is taken over after 15 s. If several processes do that at the same moment, two may hold the
 * lock, so the work must be safe to do twice.
 */
export async function withLock(
  path: string,
  options: LockOptions,
  work: () => Promise<void>,
): Promise<boolean> {
  if (!(await acquire(path, options))) return false;
  const heartbeat = setInterval(() => void touch(path), HEARTBEAT_MS);
  try {
    if (await options.isDone()) return false;
    await work();
    return true;
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}

async function acquire(path: string, { signal, onWait, isDone }: LockOptions): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  for (let waited = false; ; ) {
    signal?.throwIfAborted();
    if (await create(path)) return true;
    if (await isDone()) return false;
    if (await isStale(path)) {
      await takeAway(path);
      continue;
    }
    if (!waited) onWait?.();
    waited = true;
    await sleep(POLL_MS, undefined, { ...(signal && { signal }) });
  }
}

async function create(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > STALE_MS;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Removes a stale lock. It is renamed first, so that only one of several processes that found it stale removes it. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  await rm(aside, { force: true });
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  try {
    await utimes(path, now, now);
  } catch (error) {
    // Another process has taken the lock over, because this one was suspended for too long. Both continue with the
    // work.
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
