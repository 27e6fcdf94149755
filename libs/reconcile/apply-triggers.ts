// Starts runs of objects that apply others, in addition to the triggers of each kind: when their cluster, their
// dependencies, the ConfigMaps and Secrets that they use, or the served kinds change.
import type { TargetCluster } from '@weir/apply';
import { type Clusters, onClusters } from '@weir/clusters';
import type { Controller, Informer } from '@weir/controller';
import type { KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { DeletionOrder } from './dependencies/deletion.ts';
import type { Dependent } from './dependencies/references.ts';
import type { DependencyWatches } from './dependencies/watches.ts';
import { onConfigs, onDependencies, onNewKinds } from './triggers.ts';
import type { Waiters } from './waiters.ts';

export interface ApplyTriggers<T extends Dependent> {
  client: KubeClient;
  clusters: Pick<Clusters<TargetCluster>, 'own' | 'onChange' | 'leave'>;
  informer: Informer<T>;
  waiters: Pick<Waiters, 'waitsForDependency' | 'definitionsChanged'>;
  dependencyWatches: Pick<DependencyWatches, 'onChange'>;
  /** Only with the gate OrderedDeletion. */
  deletionOrder?: Pick<DeletionOrder, 'onGone'> | undefined;
  settings: {
    watchedConfigs: string;
    gates: { DisableConfigWatchers: boolean; CancelHealthCheckOnNewRevision: boolean };
  };
  /** `<kind>/<namespace>/<name>` of the ConfigMaps and Secrets that an object uses, and the cause of a run after they change. */
  configs: { usedBy(object: T): string[]; cause: string };
  controller: Controller;
  log: Logger;
}

/** Subscribes for the controller's queue; returns a function that ends the subscriptions. */
export function connectApplyTriggers<T extends Dependent>({
  client,
  clusters,
  informer,
  waiters,
  dependencyWatches,
  deletionOrder,
  settings,
  configs,
  controller,
  log,
}: ApplyTriggers<T>): () => void {
  const { watchedConfigs: labelSelector, gates } = settings;
  const interrupt = gates.CancelHealthCheckOnNewRevision;
  const stops = [
    onClusters({ clusters, informer, controller }),
    onDependencies(informer, waiters, dependencyWatches, controller),
    ...(gates.DisableConfigWatchers
      ? []
      : [onConfigs({ client, informer, controller, log, labelSelector, interrupt, ...configs })]),
    ...(deletionOrder === undefined ? [] : [deletionOrder.onGone(controller)]),
    onNewKinds({ client, target: clusters.own.client, waiters, controller, log }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
