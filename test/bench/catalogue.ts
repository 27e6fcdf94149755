// What there is to measure.
import type { Scenario } from './scenario.ts';
import { chain } from './scenarios/chain.ts';
import { all, one } from './scenarios/change.ts';
import { commit } from './scenarios/commit.ts';
import { drift } from './scenarios/drift.ts';
import { failing } from './scenarios/failing.ts';
import { idle } from './scenarios/idle.ts';
import { install } from './scenarios/install.ts';
import { restart } from './scenarios/restart.ts';
import type { System } from './system.ts';
import { flux, fluxTuned } from './systems/flux.ts';
import { weir } from './systems/weir.ts';

/** In the order in which they run on the same apps: those that change intervals come last. */
export const SCENARIOS: readonly Scenario[] = [
  commit,
  chain,
  install,
  one,
  all,
  restart,
  failing,
  idle,
  drift,
];

/** Weir, and what it can be compared with. */
export const SYSTEMS: readonly System[] = [weir, flux, fluxTuned];
