import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { createLogger } from '@weir/telemetry';
import { createPool, type PoolOptions, type RenderPool } from '../index.ts';

/** A pool that is closed with the test; one build at a time unless given. */
export async function openPool(
  t: TestContext,
  options: Partial<PoolOptions> = {},
): Promise<RenderPool> {
  const log = createLogger({ service: 'test', level: 'fatal' });
  const pool = await createPool({ size: 1, log, ...options });
  t.after(() => pool.close());
  return pool;
}

/** Waits until the pool runs this many engines, for 10 s at most. Returns their process ids. */
export async function engines(pool: RenderPool, count: number): Promise<number[]> {
  await until(() => pool.pids().length === count, `there are ${count} engines`);
  return pool.pids();
}

/** Waits until a condition holds, for 10 s at most. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while (!holds()) {
    if (deadline.aborted) throw new Error(`not in 10 s: ${what}`);
    await once(AbortSignal.timeout(5), 'abort');
  }
}

/**
 * Measures the memory of all engines of a pool until it is stopped, and returns the most that they took together, in
 * bytes.
 */
export function watchMemory(pool: RenderPool): () => Promise<number> {
  const stop = new AbortController();
  const watched = (async () => {
    let most = 0;
    while (!stop.signal.aborted) {
      const sizes = await Promise.all(pool.pids().map(memoryOf));
      most = Math.max(
        most,
        sizes.reduce((sum, size) => sum + size, 0),
      );
      await once(AbortSignal.timeout(2), 'abort');
    }
    return most;
  })();
  return () => {
    stop.abort();
    return watched;
  };
}

/** The memory of a process alone, in bytes; 0 when it has ended. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** This expression takes minutes, because cel-go checks its time limit only in the outermost loop. */
export const NEVER_ENDS =
  'self.l.all(a, self.l.all(b, self.l.all(c, self.l.all(d, a + b + c + d >= 0))))';
export const inputs = [{ self: { l: Array.from({ length: 300 }, (_, n) => n) } }];
