// The process is killed at every write of an apply: no object is orphaned, whichever write it was.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { Kustomization as KustomizationKind } from '@weir/api';
import { openCrashClusters } from '@weir/clusters/testing';
import { createInformer, type Informer } from '@weir/controller';
import { createRecorder } from '@weir/events';
import { doomedClient, runAsProcess } from '@weir/kit';
import { ConfigMap, isNotFound, type KubeClient } from '@weir/kube';
import { createAttemptedRevisions, createDependencyWatches, createWaiters } from '@weir/reconcile';
import { createPool, type RenderPool } from '@weir/render';
import { createSettings, openIdentities } from '@weir/service';
import { createSources, type Sources } from '@weir/sources';
import { createLogger } from '@weir/telemetry';
import { createFileIndexes } from './kustomization/build/file-index.ts';
import { openCluster } from './kustomization/cluster/open.ts';
import { words } from './kustomization/cluster/words.ts';
import { createDecryptionServices } from './kustomization/decryption/services.ts';
import { CONTROLLER, type Environment, GROUP } from './kustomization/environment.ts';
import { createKeyedDigest } from './kustomization/last-build/keyed-digest.ts';
import { createLastBuilds } from './kustomization/last-build/last-builds.ts';
import { createSavedBuilds } from './kustomization/last-build/saved-builds.ts';
import { reconcileKustomization } from './kustomization/reconcile.ts';
import { readSettings } from './settings.ts';
import { configMap, type Harness, manifests, startHarness, until } from './testing/harness.ts';

let h: Harness;
let pool: RenderPool;
let informer: Informer<Kustomization>;
let sources: Sources;
const log = createLogger({ service: 'test', level: 'fatal' });

before(async () => {
  h = await startHarness();
  // The test itself runs the reconciler in place of the service.
  await h.stop();
  pool = await createPool({ size: 1, log });
  informer = createInformer<Kustomization>(h.client, KustomizationKind, { log });
  sources = createSources({ client: h.client, bus: h.bus, log });
  await informer.synced();
});
after(async () => {
  await sources?.close();
  informer?.close();
  await pool?.close();
  await h?.close();
});

/** One run, as a process of its own would make it. */
async function reconcile(client: KubeClient, object: Kustomization): Promise<void> {
  const settings = readSettings(createSettings({}));
  const clusters = openCrashClusters({
    ...{ client, words, log, watching: h.client },
    open: (to) => openCluster(to, settings, log),
    settings: settings.clusters,
  });
  const savedBuilds = createSavedBuilds({ bus: h.bus, configuration: 'test', log });
  const environment: Environment = {
    client,
    clusters,
    kustomizations: informer,
    sources,
    store: h.store,
    cacheDir: h.dir,
    pool,
    recorder: createRecorder({
      bus: h.bus,
      client: h.client,
      component: CONTROLLER,
      instance: 'test',
      log,
      tracing: h.tracing,
    }),
    waiters: createWaiters(),
    dependencyWatches: createDependencyWatches(log),
    attemptedRevisions: createAttemptedRevisions(),
    lastBuilds: createLastBuilds(),
    savedBuilds,
    digest: createKeyedDigest(Buffer.from('a key that all processes share')),
    fileIndexes: createFileIndexes(h.store),
    tracing: h.tracing,
    log,
    runtimeNamespace: 'weir-system',
    settings,
    decryption: createDecryptionServices({
      client,
      identities: openIdentities({ client, settings: createSettings({}) }),
      ...{ endpoints: {}, vaultConfigMap: undefined, allowLocal: false, environment: {} },
    }),
  };
  try {
    await runAsProcess({ log, timeoutMs: 20_000 }, (context) =>
      reconcileKustomization(environment, object, context),
    );
  } finally {
    await savedBuilds.close();
    await clusters.close();
  }
}

/** Waits until the informers have this state of the Kustomization and of its source. */
async function settled(namespace: string, revision: string): Promise<Kustomization> {
  const { metadata } = await h.read(namespace, 'app');
  return until(
    async () => {
      const source = await sources.find({ kind: 'GitRepository', namespace, name: 'git' });
      const object = informer.get(`${namespace}/app`);
      const isCurrent = object?.metadata.resourceVersion === metadata.resourceVersion;
      return source?.artifact?.revision === revision && isCurrent && object;
    },
    { timeoutMs: 10_000, message: 'the informers to catch up' },
  );
}

async function names(namespace: string): Promise<string[]> {
  const { items } = await h.client.list(ConfigMap, {
    namespace,
    labelSelector: `${GROUP}/name=app`,
  });
  return items.map(({ metadata }) => metadata.name).sort();
}

function build(namespace: string, data: Record<string, string>) {
  const objects = Object.entries(data).map(([name, v]) => configMap(namespace, name, { v }));
  return { 'a.yaml': manifests(...objects) };
}

/**
 * Applies `first` completely, ends the process at the given write of applying `second`, then applies `third`
 * completely.
 */
async function walk(
  at: number,
  when: 'before' | 'after',
  [first, second, third]: Record<string, string>[],
): Promise<boolean> {
  const ns = await h.namespace();
  await h.kustomization(ns, 'app');
  if (first !== undefined) {
    const revision = await h.publish(ns, build(ns, first));
    await reconcile(h.client, await settled(ns, revision));
  }
  const revision = await h.publish(ns, build(ns, second ?? {}));
  const doomed = doomedClient(h.client, at, when);
  await reconcile(doomed.client, await settled(ns, revision));

  const last = await h.publish(ns, build(ns, third ?? {}));
  await reconcile(h.client, await settled(ns, last));
  const expected = Object.keys(third ?? {}).sort();
  assert.deepEqual(await names(ns), expected, `objects after dying ${when} write ${at}`);
  const { status } = await h.read(ns, 'app');
  assert.deepEqual(
    status?.inventory?.entries.map(({ id }) => id),
    expected.map((name) => `${ns}_${name}__ConfigMap`),
    `inventory after dying ${when} write ${at}`,
  );
  assert.equal(status?.lastAppliedRevision, last);
  return doomed.died();
}

async function everyStep(run: (at: number, when: 'before' | 'after') => Promise<boolean>) {
  let steps = 0;
  for (const when of ['before', 'after'] as const) {
    for (let at = 1; await run(at, when); at++) steps++;
  }
  return steps;
}

test('killed during the first apply, what the next commit drops is gone', async () => {
  const steps = await everyStep((at, when) =>
    walk(at, when, [{ a: '1' }, { a: '1', b: '1', c: '1' }, { a: '2', d: '1' }]),
  );
  assert.ok(steps >= 12, `walked ${steps} steps`);
});

test('killed during an apply that prunes, the rest is pruned by the next one', async () => {
  const steps = await everyStep((at, when) =>
    walk(at, when, [{ a: '1', b: '1' }, { a: '2', c: '1' }, { a: '2' }]),
  );
  assert.ok(steps >= 14, `walked ${steps} steps`);
});

test('killed during an apply and deleted then, nothing is left', async () => {
  await everyStep(async (at, when) => {
    const ns = await h.namespace();
    await h.kustomization(ns, 'app');
    const revision = await h.publish(ns, build(ns, { a: '1', b: '1' }));
    const doomed = doomedClient(h.client, at, when);
    await reconcile(doomed.client, await settled(ns, revision));
    await h.client.delete(KustomizationKind, { namespace: ns, name: 'app' });
    const object = await h.read(ns, 'app').catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (object !== undefined) await reconcile(h.client, object);
    assert.deepEqual(await names(ns), [], `objects after dying ${when} write ${at}`);
    return doomed.died();
  });
});
