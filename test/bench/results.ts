import type { Platform } from './ground.ts';
import type { Machine } from './machine.ts';
import type { Measurement } from './measurement.ts';
import type { SystemDescription } from './system.ts';

/** One measurement of one system. */
export interface Result {
  system: string;
  measurement: Measurement;
}

/** Everything that a run has found out: what results.json holds. */
export interface Results {
  machine: Machine;
  /** Unknown before the first leg. */
  platform?: Platform;
  /** What was run. */
  command: string;
  systems: SystemDescription[];
  /** Whose requests are a system's own, by its name. */
  clients: Record<string, readonly string[]>;
  results: Result[];
}
