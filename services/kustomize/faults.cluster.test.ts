// Faults around an apply, and changes of a Kustomization in the middle of one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { ConfigMap, type KubeObject } from '@weir/kube';
import { configMap, type Harness, manifests, startHarness, until } from './testing/harness.ts';
import { deleteKustomization } from './testing/observe.ts';

let h: Harness;
before(async () => {
  h = await startHarness({ 'lease-duration': '3s', 'lease-renew-interval': '500ms' });
});
after(() => h?.close());

const LONG = { timeoutMs: 60_000 };
const OWNER = 'kustomize.toolkit.fluxcd.io/name';

const many = (namespace: string, prefix: string, count: number) =>
  manifests(
    ...Array.from({ length: count }, (_, index) => configMap(namespace, `${prefix}-${index}`)),
  );

async function appliedNames(namespace: string): Promise<string[]> {
  const { items } = await h.client.list<KubeObject>(ConfigMap, {
    namespace,
    labelSelector: `${OWNER}=app`,
    metadataOnly: true,
  });
  return items.map(({ metadata }) => metadata.name).sort();
}

/** Waits until some of an apply's objects are there, and makes sure that not all of them are. */
async function midway(namespace: string, count: number): Promise<void> {
  await until(async () => (await appliedNames(namespace)).length > 0, {
    ...LONG,
    intervalMs: 2,
    message: 'the first object of the apply',
  });
  assert.ok((await appliedNames(namespace)).length < count, 'the apply is over already');
}

const inventoryOf = ({ status }: Kustomization) =>
  (status?.inventory?.entries ?? []).map(({ id }) => id.split('_')[1]).sort();

function readyWithin(namespace: string, revision: string): Promise<Kustomization> {
  return until(() => h.ready(namespace, 'app', 'True', new RegExp(revision)), {
    ...LONG,
    message: `${namespace}/app to be ready for ${revision}`,
  });
}

test('a Kustomization that is deleted while it applies leaves nothing behind', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': many(ns, 'm', 300) });
  await h.kustomization(ns, 'app');
  await midway(ns, 300);
  await deleteKustomization(h, ns, { limitMs: LONG.timeoutMs });
  assert.deepEqual(await appliedNames(ns), []);
});

test('a Kustomization that is changed while it applies ends as its new spec says', async () => {
  const ns = await h.namespace();
  const revision = await h.publish(ns, {
    'old/a.yaml': many(ns, 'old', 300),
    'new/a.yaml': manifests(configMap(ns, 'new')),
  });
  await h.kustomization(ns, 'app', { path: './old' });
  await midway(ns, 300);
  const { metadata } = await h.kustomization(ns, 'app', { path: './new' });
  const ready = await until(
    async () => {
      const object = await readyWithin(ns, revision);
      return object.status?.observedGeneration === metadata.generation ? object : undefined;
    },
    { ...LONG, message: 'the new spec to be applied' },
  );
  assert.deepEqual(inventoryOf(ready), ['new']);
  assert.deepEqual(await appliedNames(ns), ['new']);
});

test('the API server goes away in the middle of an apply, for longer than a lease', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': many(ns, 'm', 300) });
  await h.kustomization(ns, 'app');
  await midway(ns, 300);
  await h.cluster.stop('kube-apiserver', { signal: 'SIGKILL' });
  // The duration matters here: leases run out meanwhile.
  const back = performance.now() + 5_000;
  await until(() => performance.now() > back, { ...LONG, message: 'the lease to run out' });
  await h.cluster.start('kube-apiserver');
  const kept = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'kept')) });
  const ready = await readyWithin(ns, kept);
  assert.deepEqual(inventoryOf(ready), ['kept']);
  assert.deepEqual(await appliedNames(ns), ['kept']);

  const changed = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'next')) });
  await readyWithin(ns, changed);
  assert.deepEqual(await appliedNames(ns), ['next'], 'watches go on');
});

test('the API server hangs for longer than a lease', async () => {
  const ns = await h.namespace();
  const first = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '1' })) });
  await h.kustomization(ns, 'app');
  await readyWithin(ns, first);
  await h.cluster.signal('kube-apiserver', 'SIGSTOP');
  const on = performance.now() + 5_000;
  await until(() => performance.now() > on, { ...LONG, message: 'the lease to run out' });
  await h.cluster.signal('kube-apiserver', 'SIGCONT');
  const second = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '2' })) });
  await readyWithin(ns, second);
  assert.deepEqual((await h.configMap(ns, 'a'))?.data, { v: '2' });
});

test('NATS comes back without its data: what is published next arrives', async () => {
  const ns = await h.namespace();
  const first = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '1' })) });
  await h.kustomization(ns, 'app');
  await readyWithin(ns, first);
  await h.cluster.restart('nats-server', { wipe: true });
  await until(() => h.bus.connected(), { ...LONG, message: 'the connection' });
  const second = await until(
    () => h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '2' })) }),
    { ...LONG, message: 'the artifact to be stored' },
  );
  await readyWithin(ns, second);
  assert.deepEqual((await h.configMap(ns, 'a'))?.data, { v: '2' });
});
