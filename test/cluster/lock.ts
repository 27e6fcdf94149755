import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const HEARTBEAT_MS = 5_000;
const STALE_MS = 30_000;
const POLL_MS = 200;

/**
 * Runs `work` while holding the lock file `path`; other processes that ask wait for their turn.
 *
 * A lock outlives no crash: its file names the holder's process and is touched every 5 s, and a file
 * whose process is gone or which has not been touched for 30 s is taken over. Two processes that take over
 * in the same moment may both run, so `work` must be safe (only wasteful) when run twice.
 * `waiting` is called once, with the holder's process id, when there is something to wait for.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  waiting?: (holder: number) => void,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  while (!(await tryTake(path))) {
    const holder = await readHolder(path);
    if (holder === undefined || (await isStale(path, holder))) {
      await discard(path);
      continue;
    }
    if (!told) waiting?.(holder);
    told = true;
    await delay(POLL_MS);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    // A vanished file means that somebody took the lock over: nothing to keep alive any more.
    utimes(path, now, now).catch(() => clearInterval(heartbeat));
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if ((await readHolder(path)) === process.pid) await rm(path, { force: true });
  }
}

async function tryTake(path: string): Promise<boolean> {
  try {
    await writeFile(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** The holder's process id; undefined when the file is gone, 0 when it says nothing (yet). */
async function readHolder(path: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(path, 'utf8'), 10) || 0;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function isStale(path: string, holder: number): Promise<boolean> {
  if (holder > 0 && !isAlive(holder)) return true;
  try {
    return Date.now() - (await stat(path)).mtimeMs > STALE_MS;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return true;
    throw error;
  }
}

/** Moves the file away before it is removed, so that of several only one process takes it over. */
async function discard(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  await rm(aside, { force: true });
}

/** Whether a process with this id exists (also one of another user). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
