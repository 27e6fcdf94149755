// Runs of the reconciler, each as a process of its own would do it: nothing in memory is left of the one before.
import { HelmRelease } from '@weir/api';
import { openCrashClusters } from '@weir/clusters/testing';
import { createInformer, type Informer } from '@weir/controller';
import { createRecorder } from '@weir/events';
import { runAsProcess } from '@weir/kit';
import type { KubeClient } from '@weir/kube';
import { createPool, type RenderPool } from '@weir/render';
import { createSettings } from '@weir/service';
import { createSources, type Sources } from '@weir/sources';
import { createLogger } from '@weir/telemetry';
import { openCluster } from '../helmrelease/cluster/open.ts';
import { words } from '../helmrelease/cluster/words.ts';
import type { Environment } from '../helmrelease/environment.ts';
import { createMemory } from '../helmrelease/memory.ts';
import { CONTROLLER } from '../helmrelease/names.ts';
import { reconcileHelmRelease } from '../helmrelease/reconcile.ts';
import { readSettings } from '../settings.ts';
import { type Harness, until } from './harness.ts';

export interface Processes {
  /** One run with this client, from a start to an end or a crash. */
  run(client: KubeClient, object: HelmRelease): Promise<void>;
  /** The HelmRelease, once the informers have it and its chart as they are now; undefined when it is gone. */
  settled(namespace: string, chartVersion: string): Promise<HelmRelease | undefined>;
  close(): Promise<void>;
}

/** Longer than any run of a test. */
const RUN_MS = 60_000;
const SETTLED_MS = 60_000;

export async function openProcesses(h: Harness): Promise<Processes> {
  const log = createLogger({ service: 'test', level: 'fatal' });
  const pool: RenderPool = await createPool({ size: 1, log });
  const releases: Informer<HelmRelease> = createInformer(h.client, HelmRelease, { log });
  const sources: Sources = createSources({ client: h.client, bus: h.bus, log });
  const settings = readSettings(
    createSettings({ 'allow-local-addresses': 'true' }),
    () => undefined,
  );
  await releases.synced();

  async function run(client: KubeClient, object: HelmRelease): Promise<void> {
    const clusters = openCrashClusters({
      ...{ client, words, log, watching: h.client },
      open: (to) => openCluster(to, settings, log),
      settings: settings.clusters,
    });
    const memory = createMemory(log);
    const environment: Environment = {
      ...memory,
      client,
      clusters,
      releases,
      sources,
      store: h.store,
      pool,
      recorder: createRecorder({
        bus: h.bus,
        client: h.client,
        component: CONTROLLER,
        instance: 'test',
        log,
        tracing: h.tracing,
      }),
      tracing: h.tracing,
      settings,
    };
    try {
      await runAsProcess({ log, timeoutMs: RUN_MS }, (context) =>
        reconcileHelmRelease(environment, object, context),
      );
    } finally {
      memory.dependencyWatches.close();
      await clusters.close();
    }
  }

  return {
    run,
    settled: (namespace, version) =>
      until(
        async () => {
          const live = await h.find(HelmRelease.apiVersion, 'HelmRelease', {
            namespace,
            name: 'web',
          });
          const known = releases.get(`${namespace}/web`);
          if (live === undefined) return known === undefined && { gone: true };
          const source = await sources.find({ kind: 'HelmChart', namespace, name: 'app' });
          const isCurrent = known?.metadata.resourceVersion === live.metadata.resourceVersion;
          return isCurrent && source?.artifact?.revision === version && { known };
        },
        { timeoutMs: SETTLED_MS, message: 'the informers to catch up' },
      ).then((found) => ('known' in found ? found.known : undefined)),
    async close() {
      await sources.close();
      releases.close();
      await pool.close();
    },
  };
}
