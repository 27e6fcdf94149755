// Who waits for objects that do not go at once when their Kustomization is deleted. What the end of the timeout
// brings, half a minute at least, is among the fixtures of test/conformance.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KustomizationSpec } from '@weir/api';
import {
  configMap,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

const LONG = { timeoutMs: 20_000 };

/** Applies one ConfigMap with a finalizer, deletes the Kustomization, and waits until the delete has come through. */
async function deleteWith(spec: Partial<KustomizationSpec>): Promise<string> {
  const ns = await h.namespace();
  const held = configMap(ns, 'held');
  const metadata = { ...held.metadata, finalizers: ['example.com/busy'] };
  await h.publish(ns, { 'a.yaml': manifests({ ...held, metadata }) });
  await h.kustomization(ns, 'app', spec);
  await h.ready(ns, 'app', 'True');
  const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${ns}/kustomizations/app`;
  await h.cluster.request('DELETE', path);
  await until(
    async () => (await h.configMap(ns, 'held'))?.metadata.deletionTimestamp !== undefined,
    { ...LONG, message: 'the object to be deleted' },
  );
  return ns;
}

const find = (namespace: string) =>
  h.find('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', { namespace, name: 'app' });
const gone = (namespace: string) =>
  until(async () => (await find(namespace)) === undefined, {
    ...LONG,
    message: 'the Kustomization to be gone',
  });
const letGo = (namespace: string) =>
  h.cluster.request(
    'PATCH',
    `/api/v1/namespaces/${namespace}/configmaps/held`,
    { metadata: { finalizers: null } },
    MERGE,
  );

test('with WaitForTermination it stays until what it applied is gone', async () => {
  const ns = await deleteWith({ deletionPolicy: 'WaitForTermination', timeout: '10m' });
  // Others are not kept waiting.
  const other = await h.namespace();
  await h.publish(other, { 'a.yaml': manifests(configMap(other, 'a')) });
  await h.kustomization(other, 'app');
  await h.ready(other, 'app', 'True');
  assert.ok((await find(ns))?.metadata.deletionTimestamp, 'it waits');
  await letGo(ns);
  await gone(ns);
  assert.equal(await h.configMap(ns, 'held'), undefined);
});

test('with Delete nobody waits', async () => {
  const ns = await deleteWith({ deletionPolicy: 'Delete', prune: false });
  await gone(ns);
  assert.ok(await h.configMap(ns, 'held'), 'the object is still there');
  await letGo(ns);
});
