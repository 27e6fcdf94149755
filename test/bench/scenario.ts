import type { Ground } from './ground.ts';
import type { TypicalStep } from './measure/steps.ts';
import type { Spent } from './measure/window.ts';
import type { RunningSystem } from './system.ts';

/** A running system on its ground. */
export interface Trial {
  ground: Ground;
  system: RunningSystem;
  /** How often what is short is repeated. */
  rounds: number;
  /** How many Kustomizations there are where that matters. */
  apps: number;
  /** A line about the progress, for people. */
  progress(line: string): void;
}

/** Something to measure. One file each in `scenarios/`; each run gets a fresh ground. */
export interface Scenario {
  /** As it is called on the command line. */
  name: string;
  run(trial: Trial): Promise<Measurement[]>;
}

/** What one part of a scenario came to. */
export interface Measurement {
  name: string;
  /** How many of `unit` it was spent on. */
  count: number;
  unit: string;
  /** Milliseconds, one number a repetition, by what they are the time of. */
  times: Record<string, number[]>;
  spent: Spent;
  /** Where the time went, for a system that sends traces. */
  steps?: TypicalStep[];
}
