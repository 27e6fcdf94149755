// One Kustomization with far more objects than most have.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isReady } from '@weir/api';
import { ConfigMap } from '@weir/kube';
import { configMap, type Harness, manifests, startHarness, until } from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

const COUNT = 5_000;

test('five thousand objects in one Kustomization', { timeout: 300_000 }, async () => {
  const ns = await h.namespace();
  const names = Array.from({ length: COUNT }, (_, index) => `m-${index}`);
  await h.publish(ns, { 'a.yaml': manifests(...names.map((name) => configMap(ns, name))) });
  await h.kustomization(ns, 'app');
  // Seldom: what is read each time holds all of the inventory.
  const ready = await until(
    async () => {
      const object = await h.read(ns, 'app');
      return isReady(object) ? object : undefined;
    },
    { timeoutMs: 240_000, intervalMs: 500, message: 'the Kustomization to be ready' },
  );
  assert.equal(ready.status?.inventory?.entries.length, COUNT);
  const { items } = await h.client.list(ConfigMap, {
    namespace: ns,
    labelSelector: 'kustomize.toolkit.fluxcd.io/name=app',
    metadataOnly: true,
  });
  assert.equal(items.length, COUNT);
});
