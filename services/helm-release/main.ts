// The helm-release service: connects the reconciler to the cluster, the bus, the charts and the render pool.
import { HelmRelease } from '@weir/api';
import { runController } from '@weir/controller';
import { cacheRecorder } from '@weir/identity';
import { objectKey } from '@weir/kube';
import { followOwnership, openApplyParts } from '@weir/reconcile';
import { defineService, type ServiceParts } from '@weir/service';
import { createSources } from '@weir/sources';
import { openCluster, type ReleaseCluster } from './helmrelease/cluster/open.ts';
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
    // Runs end before anything else is closed, as they use all of it.
    stack.defer(() => controller.close());
    return {
      missing: () => (releases.hasSynced() ? undefined : 'HelmReleases are not listed yet'),
    };
  },
});

async function openEnvironment(
  parts: ServiceParts,
  settings: HelmReleaseSettings,
): Promise<Environment> {
  const { client, bus, recorder, log, metrics, tracing, stack } = parts;
  const { informer, ...opened } = await openApplyParts<HelmRelease, ReleaseCluster>(parts, {
    service: 'helm-release',
    kind: 'HelmRelease',
    openCluster: (to) => openCluster(to, settings, log),
    tokens: cacheRecorder(metrics),
    ...{ settings, words },
  });
  const sources = createSources({ client, bus, log });
  stack.defer(() => sources.close());
  const memory = createMemory(log);
  stack.defer(() => memory.dependencyWatches.close());
  return {
    ...{ ...memory, ...opened },
    ...{ client, releases: informer, sources, recorder, tracing, settings },
  };
}
