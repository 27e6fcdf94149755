// How much memory the engines of a service may take, and how it is shared out between them.
import { totalmem } from 'node:os';

const MIB = 1024 ** 2;

/** The most that engines take unless told otherwise. Bytes. */
const DEFAULT = 1024 * MIB;

/** What a machine has: the memory of it all, and of the control group that this process is in (huge: no limit). Bytes. */
export interface Machine {
  total: number;
  constrained: number;
}

function thisMachine(): Machine {
  // Of control groups v1 (memory.limit_in_bytes) and v2 (memory.max); 0 where there are none.
  return { total: totalmem(), constrained: process.constrainedMemory() || Number.MAX_VALUE };
}

/**
 * What all engines of a service may take together unless the operator says so, in bytes: 1 GiB, and at most half of what
 * the container may take. Beyond that the kernel would end the service before an engine could fail one request.
 */
export function defaultEngineMemory({ total, constrained }: Machine = thisMachine()): number {
  return Math.floor(Math.min(DEFAULT, constrained / 2, total / 2));
}

/** What each engine of a kind may take, in bytes. */
export interface EngineMemory {
  /** There are up to `QUICK_ENGINES` of these. */
  quick: number;
  slow: number;
  /** There are up to `builds` of these. */
  build: number;
  large: number;
  /** How many builds may run at a time beside a large one. */
  builds: number;
}

/** The most engines for quick operations. */
export const QUICK_ENGINES = 2;

/** With less than this nearly every build would fail, and run anew in the engine for large ones. Bytes. */
const MIN_BUILD = 64 * MIB;

/**
 * Shares out what all engines may take together, so that none of them needs to know what the others take: half is for the
 * one that runs large builds, a quarter for the other builds, a quarter for all other operations.
 * Fewer than the wanted builds run at a time where there would be less than 64 MiB for each.
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
