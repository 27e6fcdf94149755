// The gate OrderedDeletion: an object is deleted after those that depend on it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HelmRelease } from '@weir/api';
import { ConfigMap } from '@weir/kube';
import { type Harness, startHarness, until } from './testing/harness.ts';

const timeoutMs = 60_000;
/** Keeps an object in the cluster until the test removes it. */
const HELD = 'test.example/held';

let h: Harness;
before(async () => {
  h = await startHarness({ 'feature-gates': 'OrderedDeletion=true', 'requeue-dependency': '1h' });
});
after(() => h?.close());

test('a release stays until those that depend on it are gone', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'base');
  await h.ready(ns, 'base', 'True');
  await h.release(ns, 'web', { dependsOn: [{ name: 'base' }] });
  await h.ready(ns, 'web', 'True');
  // Another finalizer makes the uninstall take long.
  const ref = { namespace: ns, name: 'web' };
  const { metadata } = await h.read(ns, 'web');
  const finalizers = [...(metadata.finalizers ?? []), HELD];
  await h.client.patch(HelmRelease, ref, { metadata: { finalizers } }, { kind: 'merge' });
  for (const name of ['base', 'web']) await h.client.delete(HelmRelease, { namespace: ns, name });
  await h.ready(
    ns,
    'base',
    'False',
    /^waiting for what depends on it to be gone: HelmRelease\/.*\/web$/,
  );
  await until(async () => (await h.configMap(ns, 'web-cfg')) === undefined, {
    ...{ timeoutMs, message: 'the dependent to be uninstalled' },
  });
  assert.ok(await h.client.get(ConfigMap, { namespace: ns, name: 'base-cfg' }));
  await h.client.patch(HelmRelease, ref, { metadata: { finalizers: null } }, { kind: 'merge' });
  await until(async () => (await h.configMap(ns, 'base-cfg')) === undefined, {
    ...{ timeoutMs, message: 'the release that was waited for to be uninstalled' },
  });
});
