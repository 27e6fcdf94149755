// What makes a HelmRelease run besides its own changes and its interval: charts, drift, dependencies, values, and new kinds.
import { connectApplyTriggers } from '@weir/reconcile';
import { valuesSources } from '../values/values.ts';
import { onCharts } from './charts.ts';
import { onDrift } from './drift.ts';
import type { TriggerOptions } from './options.ts';

/** Connects everything that may concern a HelmRelease to the controller's queue; returns the way to end that. */
export function connectTriggers(options: TriggerOptions): () => void {
  const { env, controller, log } = options;
  const configs = { usedBy: valuesSources, cause: 'values' };
  const stops = [
    onCharts(options),
    onDrift(options),
    connectApplyTriggers({ ...env, informer: env.releases, configs, controller, log }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
