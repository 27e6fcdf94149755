// What makes a HelmRelease run besides its own changes and its interval: charts, dependencies, values, and new kinds.
import { onClusters } from '@weir/clusters';
import { onConfigs, onDependencies, onNewKinds } from '@weir/reconcile';
import { valuesSources } from '../values/values.ts';
import { onCharts } from './charts.ts';
import { onDrift } from './drift.ts';
import type { TriggerOptions } from './options.ts';

/** Connects everything that may concern a HelmRelease to the controller's queue; returns the way to end that. */
export function connectTriggers(options: TriggerOptions): () => void {
  const { env, controller, log } = options;
  const { client, clusters, releases: informer, waiters, settings } = env;
  const stops = [
    onCharts(options),
    onDrift(options),
    onClusters({ clusters, informer, controller }),
    onDependencies(informer, waiters, env.dependencyWatches, controller),
    ...(settings.gates.DisableConfigWatchers
      ? []
      : [
          onConfigs({
            ...{ client, informer, controller, log },
            labelSelector: settings.watchedConfigs,
            usedBy: valuesSources,
            cause: 'values',
            interrupt: settings.gates.CancelHealthCheckOnNewRevision,
          }),
        ]),
    ...(env.deletionOrder === undefined ? [] : [env.deletionOrder.onGone(controller)]),
    onNewKinds({ client, target: clusters.own.client, waiters, controller, log }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
