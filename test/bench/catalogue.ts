// All scenarios and all systems that can be measured.
import type { Scenario } from './scenario.ts';
import { alerts } from './scenarios/alerts.ts';
import { alertsKilled } from './scenarios/alerts-killed.ts';
import { alertsWaiting } from './scenarios/alerts-waiting.ts';
import { chain } from './scenarios/chain.ts';
import { all, one } from './scenarios/change.ts';
import { commit } from './scenarios/commit.ts';
import { drift } from './scenarios/drift.ts';
import { failing } from './scenarios/failing.ts';
import { helm } from './scenarios/helm.ts';
import { idle } from './scenarios/idle.ts';
import { imageBump } from './scenarios/image-bump.ts';
import { imageMonorepo } from './scenarios/image-monorepo.ts';
import { imageScan } from './scenarios/image-scan.ts';
import { imageTags } from './scenarios/image-tags.ts';
import { install } from './scenarios/install.ts';
import { restart } from './scenarios/restart.ts';
import { sourceBucket } from './scenarios/source-bucket.ts';
import { sourceCharts } from './scenarios/source-charts.ts';
import { sourceFirst } from './scenarios/source-first.ts';
import { sourceGit } from './scenarios/source-git.ts';
import { sourceAlike, sourceApart } from './scenarios/source-oci.ts';
import { webhook } from './scenarios/webhook.ts';
import type { System } from './system.ts';
import { flux, fluxTuned } from './systems/flux.ts';
import { weir } from './systems/weir.ts';

/** The scenarios in the order in which they run on the same apps. Those that change intervals come last. */
export const SCENARIOS: readonly Scenario[] = [
  commit,
  alerts,
  alertsKilled,
  alertsWaiting,
  webhook,
  sourceGit,
  sourceApart,
  sourceAlike,
  sourceFirst,
  sourceCharts,
  sourceBucket,
  imageScan,
  imageTags,
  imageBump,
  imageMonorepo,
  chain,
  helm,
  install,
  one,
  all,
  restart,
  failing,
  idle,
  drift,
];

/** Weir and the systems that it can be compared with. */
export const SYSTEMS: readonly System[] = [weir, flux, fluxTuned];
