// What makes a Kustomization run besides its own changes and its interval: artifacts, dependencies, variables, new kinds,
// and drift.

import { onClusters } from '@weir/clusters';
import { onConfigs, onDependencies, onNewKinds } from '@weir/reconcile';
import { inputSources } from '../build/inputs.ts';
import { onArtifacts } from './artifacts.ts';
import { onDrift } from './drift.ts';
import type { TriggerOptions } from './options.ts';

/** Connects everything that may concern a Kustomization to the controller's queue; returns the way to end that. */
export function connectTriggers(options: TriggerOptions): () => void {
  const { env, controller, log } = options;
  const { client, clusters, kustomizations: informer, waiters, settings } = env;
  const stops = [
    onArtifacts(options),
    onDrift(options),
    onClusters({ clusters, informer, controller }),
    onDependencies(informer, waiters, env.dependencyWatches, controller),
    ...(settings.gates.DisableConfigWatchers
      ? []
      : [
          onConfigs({
            ...{ client, informer, controller, log },
            labelSelector: settings.watchedConfigs,
            usedBy: inputSources,
            cause: 'variables',
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
