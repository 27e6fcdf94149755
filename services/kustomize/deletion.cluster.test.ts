// The deletion of a Kustomization whose objects do not go at once. What happens at the end of the timeout, which is
// half a minute at least, is among the fixtures of test/conformance.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Kustomization as KustomizationKind, type KustomizationSpec } from '@weir/api';
import {
  configMap,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';
import {
  configMapGone,
  deleteKustomization,
  eventLike,
  kustomizationGone,
} from './testing/observe.ts';

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
const letGo = (namespace: string) =>
  h.cluster.request(
    'PATCH',
    `/api/v1/namespaces/${namespace}/configmaps/held`,
    { metadata: { finalizers: null } },
    MERGE,
  );

test('with WaitForTermination it stays until what it applied is gone', async () => {
  const ns = await deleteWith({ deletionPolicy: 'WaitForTermination', timeout: '10m' });
  // Other Kustomizations are not delayed.
  const other = await h.namespace();
  await h.publish(other, { 'a.yaml': manifests(configMap(other, 'a')) });
  await h.kustomization(other, 'app');
  await h.ready(other, 'app', 'True');
  assert.ok((await find(ns))?.metadata.deletionTimestamp, 'it waits');
  await letGo(ns);
  await kustomizationGone(h, ns);
  assert.equal(await h.configMap(ns, 'held'), undefined);
});

test('with Delete nobody waits', async () => {
  const ns = await deleteWith({ deletionPolicy: 'Delete', prune: false });
  await kustomizationGone(h, ns);
  assert.ok(await h.configMap(ns, 'held'), 'the object is still there');
  await letGo(ns);
});

test('deletion prunes, also when source and account are gone', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const sources = `/apis/source.toolkit.fluxcd.io/v1/namespaces/${ns}/gitrepositories/git`;
  await h.cluster.request('DELETE', sources);
  const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${ns}/kustomizations/app`;
  await h.cluster.request('DELETE', path);
  await configMapGone(h, ns, 'a');
  await h.kustomization(ns, 'orphan', { serviceAccountName: 'never-was' });
  await h.ready(ns, 'orphan', 'False');
  await deleteKustomization(h, ns, { name: 'orphan' });
});

/** Gives the Kustomization a `kubeConfig`, as another controller may have obeyed before, and deletes it. */
async function deleteWithKubeConfig(spec: Partial<KustomizationSpec>): Promise<string> {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'kept')) });
  await h.kustomization(ns, 'app', spec);
  await h.ready(ns, 'app', 'True');
  const kubeConfig = { secretRef: { name: 'remote' } };
  await h.kustomization(ns, 'app', { ...spec, kubeConfig });
  await h.ready(ns, 'app', 'False', /unable to read KubeConfig secret/);
  const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${ns}/kustomizations/app`;
  await h.cluster.request('DELETE', path);
  return ns;
}

test('what is in another cluster is not deleted in this one, and the object says so', async () => {
  const ns = await deleteWithKubeConfig({ deletionPolicy: 'Delete' });
  const said = /^unable to prune objects: unable to read KubeConfig secret '.*\/remote'/;
  const { event } = await eventLike(h, ns, said);
  assert.equal(event.severity, 'error');
  assert.equal(event.reason, 'ReconciliationFailed');
  const kept = await h.read(ns, 'app');
  assert.ok(kept.metadata.deletionTimestamp);
  assert.deepEqual(kept.metadata.finalizers, ['finalizers.fluxcd.io']);
  assert.ok(await h.configMap(ns, 'kept'), 'it was not pruned');

  const spec = { deletionPolicy: 'Orphan' };
  await h.client.patch(
    KustomizationKind,
    { namespace: ns, name: 'app' },
    { spec },
    { kind: 'merge' },
  );
  await kustomizationGone(h, ns);
  assert.ok(await h.configMap(ns, 'kept'), 'it was left behind');
});

test('what is in another cluster is no obstacle where nothing is to be deleted', async () => {
  for (const spec of [{ prune: false }, { deletionPolicy: 'Orphan' as const }]) {
    const ns = await deleteWithKubeConfig(spec);
    await kustomizationGone(h, ns);
    assert.ok(await h.configMap(ns, 'kept'));
  }
});
