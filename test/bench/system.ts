import type { Ground } from './ground.ts';

/** Something that brings commits into a cluster, and so can be measured. One file each in `systems/`. */
export interface System {
  /** As it is called on the command line and in results. */
  name: string;
  /** As it is called in tables and plots. */
  title: string;
  /** Names of its clients in counts of requests: what its processes ask the API server for. */
  clients: readonly string[];
  needsNats: boolean;
  /** Which release, and with which flags it is started; throws when it isn't there. */
  describe(): Promise<SystemDescription>;
  /** Starts it with the ground's cluster; resolves when it is ready for work. */
  start(ground: Ground, options: SystemOptions): Promise<RunningSystem>;
}

export interface SystemDescription {
  name: string;
  title: string;
  version: string;
  /** Command lines by process, without addresses, ports and folders. */
  flags: Record<string, readonly string[]>;
}

export interface SystemOptions {
  /** Folder for CPU profiles of the processes, written when they end. */
  cpuProfiles?: string | undefined;
  /** Whether it sends traces to the ground's collector, if it has any. */
  traces: boolean;
}

export interface RunningSystem {
  /** Process ids by name, of those that run now. */
  pids(): Record<string, number>;
  /** Stops all its processes as an update would; what they have on disk stays. */
  stop(): Promise<void>;
  /** Starts them again; resolves when they are ready for work. */
  start(): Promise<void>;
  close(): Promise<void>;
}
