import type { Ground } from './ground.ts';

/** Something that brings commits into a cluster, and so can be measured. One file each in `systems/`. */
export interface System {
  /** As it is called on the command line and in results. */
  name: string;
  /** Starts it with the ground's cluster; resolves when it is ready for work. */
  start(ground: Ground, options: SystemOptions): Promise<RunningSystem>;
}

export interface SystemOptions {
  /** Folder for CPU profiles of the processes, written when they end. */
  cpuProfiles?: string | undefined;
}

export interface RunningSystem {
  /** Process ids by name. */
  pids(): Record<string, number>;
  close(): Promise<void>;
}
