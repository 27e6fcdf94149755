import type { Ground } from './ground.ts';
import type { MemoryWatch } from './measure/memory.ts';
import type { RunningSystem } from './system.ts';

/** A running system on its ground. */
export interface Trial {
  ground: Ground;
  system: RunningSystem & { clients: readonly string[] };
  memory: MemoryWatch;
  /** How many Kustomizations the scenario is about. */
  apps: number;
  /** How often what is short is repeated, at most. */
  rounds: number;
  /** Seconds that nothing is done for in the scenario `idle`. */
  idleSeconds: number;
  /** Folder for profiles of the API server, one for each thing that is measured; undefined for none. */
  profiles: string | undefined;
  /** A line about the progress, for people. */
  progress(line: string): void;
}
