// A system made of several processes that start and stop together.
import type { RunningSystem } from '../system.ts';

export interface Part {
  pid: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts all parts at the same time, as a cluster does. When one fails to start, the others are stopped again. */
export async function startParts(
  starters: Readonly<Record<string, () => Promise<Part>>>,
): Promise<RunningSystem> {
  const running = new Map<string, Part>();
  const stop = async () => {
    const parts = [...running.values()];
    running.clear();
    await Promise.all(parts.map((part) => part.stop()));
  };
  const start = async () => {
    const started = Object.entries(starters).map(async ([name, begin]) => {
      running.set(name, await begin());
    });
    const failed = (await Promise.allSettled(started)).find(({ status }) => status === 'rejected');
    if (failed?.status !== 'rejected') return;
    await stop();
    throw failed.reason;
  };
  await start();
  return {
    pids: () => Object.fromEntries([...running].map(([name, { pid }]) => [name, pid])),
    stop,
    start,
    async crash() {
      const parts = [...running.values()];
      running.clear();
      await Promise.all(parts.map((part) => part.kill()));
      await start();
    },
    close: stop,
  };
}
