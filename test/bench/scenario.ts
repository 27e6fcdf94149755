import type { Fleet } from './fleet.ts';
import type { Measurement } from './measurement.ts';
import type { Trial } from './trial.ts';

interface Common {
  /** As it is called on the command line. */
  name: string;
  /** What it measures, in a few words, for `--help`. */
  about: string;
  /** How many Kustomizations it is about, where so many are asked for; none of these: not to be run. */
  sizes(asked: readonly number[]): number[];
}

/** Something to measure on a ground of its own. One file each in `scenarios/`. */
export interface OwnScenario extends Common {
  kind: 'own';
  run(trial: Trial): Promise<Measurement[]>;
}

/** Something to measure on apps that are installed; these share a ground, in the order of the list. */
export interface FleetScenario extends Common {
  kind: 'fleet';
  run(trial: Trial, fleet: Fleet): Promise<Measurement[]>;
}

export type Scenario = OwnScenario | FleetScenario;
