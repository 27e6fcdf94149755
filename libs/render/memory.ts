// How much memory the engines of a service may take, and how it is divided among them.
import { totalmem } from 'node:os';

const MIB = 1024 ** 2;

/** The default for all engines together, in bytes. */
const DEFAULT = 1024 * MIB;

/**
 * The memory of the machine, and the limit of the control group that this process is in (a huge number if there is no
 * limit), in bytes.
 */
export interface Machine {
  total: number;
  constrained: number;
}

function thisMachine(): Machine {
  // This covers control groups v1 (memory.limit_in_bytes) and v2 (memory.max); 0 when there are none.
  return { total: totalmem(), constrained: process.constrainedMemory() || Number.MAX_VALUE };
}

/**
 * The memory that all engines of a service may take together by default, in bytes: 1 GiB, and at most half of what the
 * container may take. With more, the kernel would end the service before an engine could fail a single request.
 */
export function defaultEngineMemory({ total, constrained }: Machine = thisMachine()): number {
  return Math.floor(Math.min(DEFAULT, constrained / 2, total / 2));
}

/** The limit of each engine of a kind, in bytes. */
export interface EngineMemory {
  /** For up to `QUICK_ENGINES` engines. */
  quick: number;
  slow: number;
  /** For up to `builds` engines. */
  build: number;
  large: number;
  /** How many builds may run at the same time besides a large one. */
  builds: number;
}

/** The maximum number of engines for quick operations. */
export const QUICK_ENGINES = 2;

/** With less memory than this, nearly every build would fail and run again in the engine for large ones. In bytes. */
const MIN_BUILD = 64 * MIB;

/**
 * Divides the memory of all engines into fixed shares, so that no engine depends on the others: half for the engine of
 * large builds, a quarter for the other builds, a quarter for all other operations. Fewer builds than wanted run at the
 * same time when each would have less than 64 MiB.
 */
export function shareMemory(bytes: number, wantedBuilds: number): EngineMemory {
  const builds = Math.max(1, Math.min(wantedBuilds, Math.floor(bytes / 4 / MIN_BUILD)));
  return {
    quick: Math.floor(bytes / 8 / QUICK_ENGINES),
    slow: Math.floor(bytes / 8),
    build: Math.floor(bytes / 4 / builds),
    large: Math.floor(bytes / 2),
    builds,
  };
}
