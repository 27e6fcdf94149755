// What makes a Kustomization run besides its own changes and its interval: artifacts, dependencies,
// variables, new kinds, and drift. Each subscribes to what it needs, and enqueues in the controller.
import type { Kustomization } from '@weir/api';
import { createInformer, type Index, indexBy } from '@weir/controller';
import { ConfigMap, CustomResourceDefinition, objectKey, Secret } from '@weir/kube';
import { dependencyKeys } from '@weir/reconcile';
import { inputSources } from '../build/inputs.ts';
import { onArtifacts } from './artifacts.ts';
import { onDrift } from './drift.ts';
import type { TriggerOptions } from './options.ts';

/** Connects everything that may concern a Kustomization to the controller's queue; returns the way to end that. */
export function connectTriggers(options: TriggerOptions): () => void {
  const { gates } = options.env.settings;
  const stops = [
    onArtifacts(options),
    onDrift(options),
    onDependencies(options),
    ...(gates.DisableConfigWatchers
      ? []
      : [onVariables(options, ConfigMap), onVariables(options, Secret)]),
    onNewKinds(options),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** A dependency that changed wakes those that wait for it. */
function onDependencies({ env, controller }: TriggerOptions): () => void {
  const { kustomizations, waiters } = env;
  const dependents = indexBy(kustomizations, dependencyKeys);
  const stop = kustomizations.onChange(({ object }) => {
    for (const dependent of dependents.get(objectKey(object))) {
      const key = objectKey(dependent);
      if (waiters.waitsForDependency(key)) controller.enqueue(key, { cause: 'dependency' });
    }
  });
  return () => {
    stop();
    dependents.close();
  };
}

/** ConfigMaps and Secrets that are to be watched by their labels, and only their metadata. */
function onVariables({ env, controller, log }: TriggerOptions, type: typeof ConfigMap): () => void {
  const { client, kustomizations, settings } = env;
  const users: Index<Kustomization> = indexBy(kustomizations, inputSources);
  const informer = createInformer(client, type, {
    labelSelector: settings.watchedConfigs,
    metadataOnly: true,
    log,
  });
  // What is there at the start was read by the run that every Kustomization begins with.
  const stop = informer.onChange(({ object }) => {
    if (!informer.hasSynced()) return;
    const subject = `${type.kind}/${objectKey(object)}`;
    const interrupt = settings.gates.CancelHealthCheckOnNewRevision;
    for (const user of users.get(subject)) {
      controller.enqueue(objectKey(user), { cause: 'variables', interrupt, subject });
    }
  });
  return () => {
    stop();
    informer.close();
    users.close();
  };
}

/** A definition that changes may bring the kind for want of which an apply failed. */
function onNewKinds({ env, controller, log }: TriggerOptions): () => void {
  const { client, cluster, waiters } = env;
  const informer = createInformer(client, CustomResourceDefinition, { metadataOnly: true, log });
  const stop = informer.onChange(({ type, object }) => {
    if (!informer.hasSynced()) return;
    // Whatever is applied next finds the kinds as they are now, and fails for none that has just come.
    cluster.client.discovery.invalidate();
    if (type === 'deleted') return;
    const [, group = ''] = /^[^.]+\.(.+)$/.exec(object.metadata.name) ?? [];
    for (const key of waiters.definitionsChanged(group)) controller.enqueue(key, { cause: 'kind' });
  });
  return () => {
    stop();
    informer.close();
  };
}
