// How much memory processes hold at a time, by looking often: an engine that ended before the last look counts too.
import { processUse } from './processes.ts';

/** Bytes, by name of the process. */
export type Peaks = Record<string, { peakBytes: number; childrenBytes: number }>;

export interface MemoryWatch {
  /** Forgets what was seen before. */
  reset(): void;
  /** The most that each process held at any look, with all its children, and their part of it then. Bytes. */
  peaks(): Promise<Peaks>;
  close(): Promise<void>;
}

const INTERVAL_MS = 500;

/** Looks twice a second at the processes that `pids` gives then. */
export function watchMemory(pids: () => Record<string, number>): MemoryWatch {
  let peaks: Peaks = {};
  let looking: Promise<void> = Promise.resolve();
  const look = async () => {
    for (const [name, use] of Object.entries(await processUse(pids()))) {
      const { residentBytes: peakBytes, childrenBytes } = use;
      if (peakBytes > (peaks[name]?.peakBytes ?? 0)) peaks[name] = { peakBytes, childrenBytes };
    }
  };
  const next = () => {
    looking = looking.then(look);
    return looking;
  };
  // A look that fails is told by whoever asks for the peaks, or closes.
  const timer = setInterval(() => next().catch(() => undefined), INTERVAL_MS);
  timer.unref();
  return {
    reset() {
      peaks = {};
    },
    async peaks() {
      await next();
      return structuredClone(peaks);
    },
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}
