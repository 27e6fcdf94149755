// The helm-release service: connects the reconciler to the cluster, the bus, the charts and the render pool.
import { HelmRelease } from '@weir/api';
import { openTargetCluster, overrideRules } from '@weir/apply';
import { createStore } from '@weir/artifact';
import { createInformer, runController } from '@weir/controller';
import { objectKey } from '@weir/kube';
import { createDeletionOrder } from '@weir/reconcile';
import { createPool } from '@weir/render';
import { defineService, type ServiceParts } from '@weir/service';
import { createSources } from '@weir/sources';
import { createActions } from './helmrelease/actions/index.ts';
import { EXCLUDED } from './helmrelease/drift/compare.ts';
import { type Environment, RETRY } from './helmrelease/environment.ts';
import { createMemory } from './helmrelease/memory.ts';
import { CONTROLLER, GROUP } from './helmrelease/names.ts';
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
    const { releases, cluster } = env;
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
    stack.defer(
      membership.onChange(() => {
        for (const key of env.dependencyWatches.keys()) {
          if (!membership.owns(`HelmRelease/${key}`)) env.dependencyWatches.done(key);
        }
        for (const owner of cluster.drift.owners()) {
          if (!membership.owns(`HelmRelease/${owner}`)) cluster.drift.untrack(owner);
        }
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
  { client, bus, recorder, storageDir, log, tracing, stack }: ServiceParts,
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
  const cluster = openTargetCluster(client, {
    owner: { group: GROUP, fieldManager: CONTROLLER },
    rules: overrideRules(settings.overrideManagers),
    // What is merged on the side of the client is written by updates.
    operations: ['Apply', 'Update'],
    leftAlone: EXCLUDED,
    onError: ({ group, kind }, { message: why }) =>
      log.warn({ group, kind, why }, 'drift watch interrupted, trying again'),
  });
  stack.defer(() => cluster.drift.close());
  const actions = createActions({ client, log });
  stack.defer(() => actions.close());
  const deletionOrder = settings.gates.OrderedDeletion
    ? createDeletionOrder({ client, informer: releases, kind: 'HelmRelease', log })
    : undefined;
  stack.defer(() => deletionOrder?.close());
  const memory = createMemory(log);
  stack.defer(() => memory.dependencyWatches.close());
  return {
    ...memory,
    ...(deletionOrder === undefined ? {} : { deletionOrder }),
    ...{ client, cluster, releases, sources, store, pool, actions, recorder, tracing, settings },
  };
}
