// The kustomize service: wires the reconciler to the cluster, the bus, the artifacts and the render pool.
import { Kustomization } from '@weir/api';
import { createDriftWatch, managerRules } from '@weir/apply';
import { createStore } from '@weir/artifact';
import { createInformer, joinMembership, runController } from '@weir/controller';
import { createRecorder } from '@weir/events';
import { objectKey } from '@weir/kube';
import { createPool, engineDigest } from '@weir/render';
import {
  fluxNamespaces,
  leaseTimes,
  openStorage,
  type RunningService,
  type Service,
  type ServiceContext,
  watchFluxLeaders,
  yieldToFlux,
} from '@weir/service';
import { createBases } from './kustomization/last-build/last-builds.ts';
import { createDigest, sharedKey } from './kustomization/last-build/keyed-digest.ts';
import { CONTROLLER, type Environment, GROUP } from './kustomization/environment.ts';
import { createManifests } from './kustomization/build/file-index.ts';
import { reconcileKustomization } from './kustomization/reconcile.ts';
import { createRecords } from './kustomization/last-build/saved-builds.ts';
import { readSettings, resultSettings } from './settings.ts';
import { createSources } from './kustomization/sources.ts';
import { createTriggers } from './kustomization/triggers.ts';
import { createWaiting } from './kustomization/waiters.ts';

export const service: Service = { name: 'kustomize', start };

/** For what no condition has a time for: the API server away, a status that could not be written. */
const RETRY = { minMs: 500, maxMs: 30_000 };

async function start(context: ServiceContext): Promise<RunningService> {
  const { client, bus, log, metrics, tracing, instance, namespace, signal } = context;
  const settings = readSettings(context.settings, (gate, why) =>
    log.info({ gate, why }, 'this feature gate changes nothing here'),
  );
  const storage = await openStorage(context.settings, { service: 'kustomize', instance });
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);

  const kustomizations = createInformer<Kustomization>(client, Kustomization, { log });
  const recorder = createRecorder({ bus, client, component: CONTROLLER, instance, log, tracing });
  const { renderers: size } = settings;
  const pool = await createPool({ ...(size === undefined ? {} : { size }), log });
  const store = createStore({ bus, dir: storage.dir, maxCacheBytes: settings.cacheBytes, log });
  const leaders = watchFluxLeaders({
    client,
    controllers: [CONTROLLER],
    namespaces: fluxNamespaces(context.settings, namespace),
    log,
  });
  const joined = await joinMembership({
    client,
    namespace,
    service: 'kustomize',
    instance,
    ...leaseTimes(context.settings),
    log,
  });
  const membership = yieldToFlux(joined, leaders);
  const waiting = createWaiting();
  const attempts = new Map<string, string>();
  const bases = createBases();
  const digest = createDigest(await sharedKey(client, namespace));
  const records = createRecords({
    bus,
    configuration: digest([await engineDigest(log), resultSettings(settings)]),
    replicas: context.settings.number('nats-replicas', 1, { min: 1, max: 5 }),
    log,
  });
  const manifests = createManifests(store);
  const sources = createSources({
    client,
    log,
    onArtifact(change) {
      triggers
        .artifact(change)
        .catch((err: unknown) => log.error({ err }, 'an artifact woke nobody'));
    },
    isAnnounced: () => bus.connected(),
  });
  const drift = createDriftWatch(client, {
    owner: { group: GROUP, fieldManager: CONTROLLER },
    rules: managerRules(CONTROLLER, settings.overrideManagers),
    onDrift: (found) => triggers.drift(found),
    onError: ({ group, kind }, { message: why }) =>
      log.warn({ group, kind, why }, 'drift watch interrupted, trying again'),
  });
  const environment: Environment = {
    client,
    kustomizations,
    sources,
    store,
    cacheDir: storage.dir,
    pool,
    recorder,
    drift,
    waiting,
    attempts,
    bases,
    records,
    digest,
    manifests,
    tracing,
    settings,
  };
  const controller = runController<Kustomization>({
    name: 'kustomization',
    kind: Kustomization,
    informer: kustomizations,
    membership,
    ownershipKey: objectKey,
    concurrency: settings.concurrent,
    jitter: settings.jitter,
    retry: RETRY,
    reconcile: (object, ctx) => reconcileKustomization(environment, object, ctx),
    log,
    metrics,
    tracing,
  });
  const triggers = createTriggers({
    client,
    bus,
    kustomizations,
    controller,
    waiting,
    attempts,
    bases,
    manifests,
    recorder,
    gates: settings.gates,
    watchedConfigs: settings.watchedConfigs,
    log,
    signal: stopped,
  });
  const following = triggers.follow(sources);
  const stopWatchingMembers = membership.onChange(() => {
    for (const owner of drift.owners()) if (!membership.owns(owner)) drift.untrack(owner);
  });

  return {
    ready() {
      if (!kustomizations.hasSynced()) return 'Kustomizations are not listed yet';
      if (!membership.healthy()) return 'the membership lease is not held';
      return leaders.blocked() ?? true;
    },
    async close() {
      await controller.close();
      stop.abort();
      stopWatchingMembers();
      triggers.close();
      sources.close();
      kustomizations.close();
      await Promise.all([drift.close(), pool.close(), membership.close(), following]);
      await records.close();
      await storage.close();
    },
  };
}
