import type { Fleet } from './fleet.ts';
import type { Measurement } from './measurement.ts';
import type { Runs } from './system.ts';
import type { Trial } from './trial.ts';

interface Common {
  /** Its name on the command line. */
  name: string;
  /** What it measures, in a few words for `--help`. */
  about: string;
  /** The numbers of Kustomizations that it runs with, of those asked for. An empty list means that it doesn't run. */
  sizes(asked: readonly number[]): number[];
}

/** A scenario that runs in an environment of its own. Each is one file in `scenarios/`. */
export interface OwnScenario extends Common {
  kind: 'own';
  /** What of a system it runs; `apps` unless given. */
  runs?: Runs;
  run(trial: Trial): Promise<Measurement[]>;
}

/** A scenario on apps that are already installed. These scenarios share an environment, in the order of the list. */
export interface FleetScenario extends Common {
  kind: 'fleet';
  run(trial: Trial, fleet: Fleet): Promise<Measurement[]>;
}

export type Scenario = OwnScenario | FleetScenario;
