// The largest memory use of processes, sampled twice a second, so that a child process that has ended meanwhile counts too.
import { footprintOf } from './footprint.ts';
import { processUse } from './processes.ts';

/** The largest values of all samples, in bytes. */
export interface Peaks {
  /** The largest use of the system as a whole, with shared pages of its processes counted once. */
  systemBytes: number;
  /** The largest use of each process with all its children, and the part of the children in it. */
  processes: Record<string, { peakBytes: number; childrenBytes: number }>;
}

export interface MemoryWatch {
  /** Drops all samples so far. */
  reset(): void;
  peaks(): Promise<Peaks>;
  close(): Promise<void>;
}

const INTERVAL_MS = 500;

/** The running processes: their ids by name. */
export interface Watched {
  /** The processes of the system that is measured. */
  system(): Record<string, number>;
  /** The processes of the control plane. */
  others(): Record<string, number>;
}

const NOTHING: Peaks = { systemBytes: 0, processes: {} };

/** Samples twice a second until it is closed. */
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
  // A sample that fails makes the next call of peaks() or close() reject, so it is not reported here.
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
