// One Kustomization with far more objects, or far more YAML, than most have.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isReady, type Kustomization } from '@weir/api';
import { ConfigMap } from '@weir/kube';
import { configMap, type Harness, manifests, startHarness, until } from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

const COUNT = 5_000;

/** This polls seldom, because each answer has the whole inventory. */
function applied(namespace: string, timeoutMs: number): Promise<Kustomization> {
  return until(
    async () => {
      const object = await h.read(namespace, 'app');
      return isReady(object) ? object : undefined;
    },
    { timeoutMs, intervalMs: 500, message: 'the Kustomization to be ready' },
  );
}

test('ten megabytes of YAML', { timeout: 300_000 }, async () => {
  const ns = await h.namespace();
  const value = 'x'.repeat(10_000);
  const maps = Array.from({ length: 1_000 }, (_, index) => configMap(ns, `l-${index}`, { value }));
  await h.publish(ns, { 'a.yaml': manifests(...maps) });
  await h.kustomization(ns, 'app');
  const { status } = await applied(ns, 240_000);
  assert.equal(status?.inventory?.entries.length, 1_000);
});

test('five thousand objects in one Kustomization', { timeout: 300_000 }, async () => {
  const ns = await h.namespace();
  const names = Array.from({ length: COUNT }, (_, index) => `m-${index}`);
  await h.publish(ns, { 'a.yaml': manifests(...names.map((name) => configMap(ns, name))) });
  await h.kustomization(ns, 'app');
  const ready = await applied(ns, 240_000);
  assert.equal(ready.status?.inventory?.entries.length, COUNT);
  const { items } = await h.client.list(ConfigMap, {
    namespace: ns,
    labelSelector: 'kustomize.toolkit.fluxcd.io/name=app',
    metadataOnly: true,
  });
  assert.equal(items.length, COUNT);
});
