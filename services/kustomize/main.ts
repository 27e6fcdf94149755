// The kustomize service: connects the reconciler to the cluster, the bus, the artifacts and the render pool.
import { Kustomization } from '@weir/api';
import type { TargetCluster } from '@weir/apply';
import { runController } from '@weir/controller';
import { cacheRecorder, identityOptions } from '@weir/identity';
import { objectKey } from '@weir/kube';
import {
  createAttemptedRevisions,
  createDependencyWatches,
  createWaiters,
  followOwnership,
  openApplyParts,
} from '@weir/reconcile';
import { engineDigest } from '@weir/render';
import { defineService, openIdentities, type ServiceParts } from '@weir/service';
import { createSources } from '@weir/sources';
import { createFileIndexes } from './kustomization/build/file-index.ts';
import { openCluster } from './kustomization/cluster/open.ts';
import { words } from './kustomization/cluster/words.ts';
import { createDecryptionServices } from './kustomization/decryption/services.ts';
import { CONTROLLER, type Environment } from './kustomization/environment.ts';
import { createKeyedDigest, sharedKey } from './kustomization/last-build/keyed-digest.ts';
import { createLastBuilds } from './kustomization/last-build/last-builds.ts';
import { createSavedBuilds } from './kustomization/last-build/saved-builds.ts';
import { reconcileKustomization } from './kustomization/reconcile.ts';
import { connectTriggers } from './kustomization/triggers/triggers.ts';
import { type KustomizeSettings, readSettings, resultSettings } from './settings.ts';

/**
 * Backoff for failures that have no condition: the API server is away, or a status could not be written. Milliseconds.
 */
const RETRY = { minMs: 500, maxMs: 30_000 };

export const service = defineService({
  name: 'kustomize',
  controllers: [CONTROLLER],

  async start(parts) {
    const { membership, log, metrics, tracing, stack } = parts;
    const settings = readSettings(parts.settings, (gate, why) =>
      log.info({ gate, why }, 'this feature gate changes nothing here'),
    );
    const env = await openEnvironment(parts, settings);
    const { kustomizations, clusters } = env;
    const controller = runController<Kustomization>({
      name: 'kustomization',
      kind: Kustomization,
      informer: kustomizations,
      membership,
      ownershipKey: objectKey,
      concurrency: settings.concurrent,
      jitter: settings.jitter,
      retry: RETRY,
      reconcile: (object, ctx) => reconcileKustomization(env, object, ctx),
      ...{ log, metrics, tracing },
    });
    stack.defer(connectTriggers({ env, controller, log }));
    const { dependencyWatches } = env;
    stack.defer(
      followOwnership({ membership, dependencyWatches, clusters, ownershipKey: (key) => key }),
    );
    // Runs end before anything else is closed, as they use all of it.
    stack.defer(() => controller.close());
    return {
      missing: () => (kustomizations.hasSynced() ? undefined : 'Kustomizations are not listed yet'),
    };
  },
});

async function openEnvironment(
  parts: ServiceParts,
  settings: KustomizeSettings,
): Promise<Environment> {
  const { client, bus, recorder, settings: flags, storageDir, namespace } = parts;
  const { log, metrics, tracing, stack } = parts;
  const tokens = cacheRecorder(metrics);
  const { informer, ...opened } = await openApplyParts<Kustomization, TargetCluster>(parts, {
    service: 'kustomize',
    kind: 'Kustomization',
    openCluster: (to) => openCluster(to, settings, log),
    ...{ settings, words, tokens },
  });
  const digest = createKeyedDigest(await sharedKey(client, namespace));
  const savedBuilds = createSavedBuilds({
    bus,
    configuration: digest([await engineDigest(log), resultSettings(settings)]),
    log,
  });
  stack.defer(() => savedBuilds.close());
  const sources = createSources({ client, bus, log });
  stack.defer(() => sources.close());
  const decryptionIdentities = openIdentities(
    { client, settings: flags, tokens },
    'default-decryption-service-account',
  );
  stack.defer(() => decryptionIdentities.close());
  const { endpoints } = identityOptions(flags);
  const decryption = createDecryptionServices({
    ...{ client, endpoints, identities: decryptionIdentities, environment: process.env },
    vaultConfigMap: settings.sopsVaultConfigMap
      ? { namespace, name: settings.sopsVaultConfigMap }
      : undefined,
    allowLocal: settings.allowLocalAddresses,
  });
  stack.defer(() => decryption.close());
  const dependencyWatches = createDependencyWatches(log);
  stack.defer(() => dependencyWatches.close());
  return {
    ...{ ...opened, dependencyWatches, decryption },
    ...{ client, kustomizations: informer, sources, cacheDir: storageDir, recorder },
    ...{ savedBuilds, digest, log, tracing, settings, runtimeNamespace: namespace },
    waiters: createWaiters(),
    attemptedRevisions: createAttemptedRevisions(),
    lastBuilds: createLastBuilds(),
    fileIndexes: createFileIndexes(opened.store),
  };
}
