import type { TypicalStep } from './measure/steps.ts';
import type { Spent } from './measure/window.ts';

/** The result of one part of a scenario. */
export interface Measurement {
  /** Unique among the results of one system and number of apps. */
  id: string;
  name: string;
  apps: number;
  /** The number of units (see `unit`) that `spent` was used for. */
  count: number;
  unit: string;
  /** Times in ms, one number for each repetition, by their names. The first one is the main result. */
  times: Record<string, number[]>;
  spent: Spent;
  /** The steps that the time was spent on, for a system that sends traces. */
  steps?: TypicalStep[];
}
