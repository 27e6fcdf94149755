// When a reference of a bare repository gets another commit.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { now } from './clock.ts';

/** How often the reference is read, in ms. Its file has 41 bytes, so that reading it costs next to nothing. */
const INTERVAL_MS = 2;

/**
 * Resolves with the time (see `now`) at which the reference has another commit than at the call.
 * @param dir the bare repository
 * @param ref full name of the reference, which is a file of its own there
 */
export async function untilMoved(dir: string, ref: string, timeoutMs: number): Promise<number> {
  const file = join(dir, ref);
  const before = await readFile(file, 'utf8');
  const deadline = now() + timeoutMs;
  while ((await readFile(file, 'utf8')) === before) {
    if (now() > deadline) throw new Error(`no commit on ${ref} within ${timeoutMs} ms`);
    await delay(INTERVAL_MS);
  }
  return now();
}
