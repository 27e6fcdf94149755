import type { Platform } from './environment.ts';
import type { Machine } from './machine.ts';
import type { Measurement } from './measurement.ts';
import type { SystemDescription } from './system.ts';

/** One measurement of one system. */
export interface Result {
  system: string;
  measurement: Measurement;
}

/** Everything that a run has measured; the content of results.json. */
export interface Results {
  machine: Machine;
  /** Absent before the first leg. */
  platform?: Platform;
  /** The command line of the run. */
  command: string;
  systems: SystemDescription[];
  /** The clients whose requests are those of a system, by the system's name. */
  clients: Record<string, readonly string[]>;
  results: Result[];
}
