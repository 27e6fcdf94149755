import type { TypicalStep } from './measure/steps.ts';
import type { Spent } from './measure/window.ts';

/** What one part of a scenario came to. */
export interface Measurement {
  /** Unique among the results of one system and number of apps. */
  id: string;
  name: string;
  apps: number;
  /** How many of `unit` all that is in `spent` was spent on. */
  count: number;
  unit: string;
  /** Milliseconds, one number a repetition, by what they are the time of. The first is what it is about. */
  times: Record<string, number[]>;
  spent: Spent;
  /** Where the time went, for a system that sends traces. */
  steps?: TypicalStep[];
}
