// The helm-release service: connects the reconciler to the cluster, the bus, the charts and the render pool.
import { HelmRelease } from '@weir/api';
import { createStore } from '@weir/artifact';
import { openClusters } from '@weir/clusters';
import { createInformer, runController } from '@weir/controller';
import { cacheRecorder } from '@weir/identity';
import { objectKey, userAgent } from '@weir/kube';
import { createDeletionOrder, followOwnership } from '@weir/reconcile';
import { createPool } from '@weir/render';
import { defineService, openIdentities, type ServiceParts } from '@weir/service';
import { createSources } from '@weir/sources';
import { openCluster } from './helmrelease/cluster/open.ts';
import { words } from './helmrelease/cluster/words.ts';
import { type Environment, RETRY } from './helmrelease/environment.ts';
import { createMemory } from './helmrelease/memory.ts';
import { CONTROLLER } from './helmrelease/names.ts';
import { reconcileHelmRelease } from './helmrelease/reconcile.ts';
import { connectTriggers } from './helmrelease/triggers/triggers.ts';
import { type HelmReleaseSettings, readSettings } from './settings.ts';

export const service = defineService({
  name: 'helm-release',
  controllers: [CONTROLLER],

  async start(parts) {
    const { membership, log, metrics, tracing, stack } = parts;
    const settings = readSettings(parts.settings, (gate, why) =>
      log.info({ gate, why }, 'this feature gate changes nothing here'),
    );
    const env = await openEnvironment(parts, settings);
    const { releases, clusters } = env;
    const controller = runController<HelmRelease>({
      name: 'helmrelease',
      kind: HelmRelease,
      informer: releases,
      membership,
      ownershipKey: (object) => `HelmRelease/${objectKey(object)}`,
      concurrency: settings.concurrent,
      jitter: settings.jitter,
      retry: RETRY,
      reconcile: (object, ctx) => reconcileHelmRelease(env, object, ctx),
      ...{ log, metrics, tracing },
    });
    stack.defer(connectTriggers({ env, controller, log }));
    const { dependencyWatches } = env;
    stack.defer(
      followOwnership({
        membership,
        dependencyWatches,
        clusters,
        ownershipKey: (key) => `HelmRelease/${key}`,
      }),
    );
    // Runs end first: they use all of the above.
    stack.defer(() => controller.close());
    return {
      missing: () => (releases.hasSynced() ? undefined : 'HelmReleases are not listed yet'),
    };
  },
});

async function openEnvironment(
  {
    client,
    settings: flags,
    bus,
    recorder,
    storageDir,
    log,
    metrics,
    tracing,
    stack,
  }: ServiceParts,
  settings: HelmReleaseSettings,
): Promise<Environment> {
  const releases = createInformer<HelmRelease>(client, HelmRelease, { log });
  stack.defer(() => releases.close());
  const { renderers: size, engineMemoryBytes: memoryLimitBytes } = settings;
  const pool = await createPool({ size, memoryLimitBytes, log });
  stack.defer(() => pool.close());
  const store = createStore({ bus, dir: storageDir, maxCacheBytes: settings.cacheBytes, log });
  const sources = createSources({ client, bus, log });
  stack.defer(() => sources.close());
  const identities = openIdentities(
    { client, settings: flags, tokens: cacheRecorder(metrics) },
    'default-kubeconfig-service-account',
  );
  stack.defer(() => identities.close());
  const clusters = openClusters({
    client,
    open: (to) => openCluster(to, settings, log),
    identities,
    settings: settings.clusters,
    concurrency: settings.concurrent,
    words,
    userAgent: userAgent('helm-release'),
    environment: process.env,
    log,
  });
  stack.defer(() => clusters.close());
  const deletionOrder = settings.gates.OrderedDeletion
    ? createDeletionOrder({ client, informer: releases, kind: 'HelmRelease', log })
    : undefined;
  stack.defer(() => deletionOrder?.close());
  const memory = createMemory(log);
  stack.defer(() => memory.dependencyWatches.close());
  return {
    ...memory,
    ...(deletionOrder === undefined ? {} : { deletionOrder }),
    ...{ client, clusters, releases, sources, store, pool, recorder, tracing, settings },
  };
}
