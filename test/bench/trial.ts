import type { Environment } from './environment.ts';
import type { MemoryWatch } from './measure/memory.ts';
import type { RunningSystem } from './system.ts';

/** A running system in its environment. */
export interface Trial {
  environment: Environment;
  system: RunningSystem & { clients: readonly string[] };
  memory: MemoryWatch;
  /** The number of Kustomizations of the scenario. */
  apps: number;
  /** The largest number of repetitions of short work. */
  rounds: number;
  /** How long the scenario `idle` measures, in seconds. */
  idleSeconds: number;
  /** The folder for profiles of the API server, one for each measurement; undefined for none. */
  profiles: string | undefined;
  /** Prints a line about the progress. */
  progress(line: string): void;
}
