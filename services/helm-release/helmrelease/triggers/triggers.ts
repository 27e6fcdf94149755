// What makes a HelmRelease run besides its own changes and its interval: charts, drift, dependencies, values, and new kinds.
import { connectApplyTriggers } from '@weir/reconcile';
import { valuesSources } from '../values/values.ts';
import { onCharts } from './charts.ts';
import { onDrift } from './drift.ts';
import type { TriggerOptions } from './options.ts';

/** Subscribes to everything that may start a run, for the controller's queue; returns a function that ends that. */
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
