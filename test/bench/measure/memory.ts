// How much memory processes hold at a time, by looking often: an engine that ended before the last look counts too.
import { footprintOf } from './footprint.ts';
import { processUse } from './processes.ts';

/** Bytes. */
export interface Peaks {
  /** The most that the system held at any look, with what its processes share counted once. */
  systemBytes: number;
  /** The most that each process held at any look, with all its children, and their part of it then. */
  processes: Record<string, { peakBytes: number; childrenBytes: number }>;
}

export interface MemoryWatch {
  /** Forgets what was seen before. */
  reset(): void;
  peaks(): Promise<Peaks>;
  close(): Promise<void>;
}

const INTERVAL_MS = 500;

/** Processes by name, as they are at the moment. */
export interface Watched {
  /** What is measured. */
  system(): Record<string, number>;
  /** What it runs on. */
  others(): Record<string, number>;
}

const NOTHING: Peaks = { systemBytes: 0, processes: {} };

/** Looks twice a second. */
export function watchMemory({ system, others }: Watched): MemoryWatch {
  let peaks = structuredClone(NOTHING);
  let looking: Promise<void> = Promise.resolve();
  const look = async () => {
    const pids = system();
    const used = await processUse({ ...pids, ...others() });
    const families = Object.keys(pids).flatMap((name) => used[name]?.family ?? []);
    peaks.systemBytes = Math.max(peaks.systemBytes, await footprintOf(families));
    const { processes } = peaks;
    for (const [name, use] of Object.entries(used)) {
      const { residentBytes: peakBytes, childrenBytes } = use;
      if (peakBytes > (processes[name]?.peakBytes ?? 0))
        processes[name] = { peakBytes, childrenBytes };
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
      peaks = structuredClone(NOTHING);
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
