// Changes of another cluster while Kustomizations are applied to it: its credentials, its identity, whether it is
// reachable.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { proxyTo } from '@weir/cluster';
import {
  applyKubeconfig,
  namespaceInBoth,
  REMOTE,
  type RemoteCluster,
  startRemoteCluster,
} from '@weir/kit';
import {
  configMap,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';
import { eventLike } from './testing/observe.ts';

let h: Harness;
let remote: RemoteCluster;
before(async () => {
  [h, remote] = await Promise.all([
    startHarness({ 'allow-local-addresses': 'true', concurrent: '2' }),
    startRemoteCluster({ audit: true }),
  ]);
});
after(async () => {
  await h?.close();
  await remote?.close();
});

const LONG = { timeoutMs: 60_000 };
const remoteConfigMap = (namespace: string, name: string) =>
  remote.find('v1', 'ConfigMap', { namespace, name });

const namespace = (kubeconfig?: string) => namespaceInBoth(h, remote, kubeconfig);

async function change(ns: string, name: string, k: string): Promise<void> {
  const path = `/api/v1/namespaces/${ns}/configmaps/${name}`;
  await remote.cluster.request('PATCH', path, { data: { k } }, MERGE);
}

const putBack = (ns: string, name: string, k: string) =>
  until(async () => isDeepStrictEqual((await remoteConfigMap(ns, name))?.data, { k }), {
    ...LONG,
    message: `${name} to be put back`,
  });

test('a token that is rotated counts at once, and the watches go on', async () => {
  const ns = await namespace(await remote.tokenKubeconfig('first'));
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { k: 'v' })) });
  await h.kustomization(ns, 'app', REMOTE);
  await h.ready(ns, 'app', 'True');
  const second = await remote.tokenKubeconfig('second');
  const ref = { namespace: ns, name: 'remote' };
  await applyKubeconfig(h.client, ref, second);
  const user = 'system:serviceaccount:default:second';
  const asSecond = async () =>
    (await remote.cluster.audit()).filter(({ user: who }) => who.username === user);
  await until(async () => (await asSecond()).some(({ verb }) => verb === 'watch'), {
    ...LONG,
    message: 'a watch with the new token',
  });
  await remote.cluster.request(
    'DELETE',
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/first',
  );
  await change(ns, 'a', 'other');
  await putBack(ns, 'a', 'v');
  const applied = (await asSecond()).filter(({ verb }) => verb === 'patch');
  assert.ok(applied.length > 0, 'it was put back with the new token');
});

test('a Secret that leads to another cluster prunes nothing there', async () => {
  const ns = await namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a'), configMap(ns, 'b')) });
  await h.kustomization(ns, 'app', REMOTE);
  const { status: before } = await h.ready(ns, 'app', 'True');
  // The other cluster has an object with the labels of the same Kustomization.
  const labels = {
    'kustomize.toolkit.fluxcd.io/name': 'app',
    'kustomize.toolkit.fluxcd.io/namespace': ns,
  };
  await h.cluster.request('POST', `/api/v1/namespaces/${ns}/configmaps`, {
    metadata: { name: 'b', labels },
  });
  const own = await readFile(h.cluster.kubeconfig, 'utf8');
  await h.kustomization(ns, 'app', { ...REMOTE, suspend: true });
  await applyKubeconfig(h.client, { namespace: ns, name: 'remote' }, own);
  const revision = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { ...REMOTE, suspend: false });
  const { status } = await h.ready(ns, 'app', 'True', new RegExp(revision));
  assert.ok(await h.configMap(ns, 'b'), 'it was not pruned');
  assert.ok(await h.configMap(ns, 'a'), 'it was applied');
  assert.ok(await remoteConfigMap(ns, 'b'), 'the former cluster keeps what it had');
  assert.notEqual(status?.clusterID, before?.clusterID);
  assert.deepEqual(
    status?.inventory?.entries.map(({ id }) => id),
    [`${ns}_a__ConfigMap`],
  );
  const { event } = await eventLike(h, ns, /leads to another cluster than before/);
  assert.equal(event.severity, 'error');
  assert.match(event.message, new RegExp(`ConfigMap/${ns}/b`));
});

test('a Kustomization that leaves for another cluster, and comes back, prunes nothing', async () => {
  const ns = await namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  await h.kustomization(ns, 'app', REMOTE);
  await eventLike(h, ns, /leads to another cluster than before/);
  await until(async () => (await remoteConfigMap(ns, 'a')) !== undefined, {
    ...LONG,
    message: 'the object in the other cluster',
  });
  assert.ok(await h.configMap(ns, 'a'));
  await h.kustomization(ns, 'app');
  await eventLike(h, ns, /leads to the own cluster than before/);
  await until(async () => (await h.read(ns, 'app')).status?.clusterID === undefined, {
    ...LONG,
    message: 'the status to name no other cluster',
  });
  assert.ok(await remoteConfigMap(ns, 'a'));
});

test('a cluster that hangs keeps nobody waiting but its own objects', async (t) => {
  const proxy = await proxyTo(Number(new URL(remote.cluster.server).port));
  t.after(() => proxy.close());
  const port = new URL(remote.cluster.server).port;
  const hanging = remote.kubeconfig.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${proxy.port}`);
  assert.notEqual(hanging, remote.kubeconfig);
  const ns = await namespace(hanging);
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  proxy.freeze();
  // There are more of them than the service has workers.
  const names = Array.from({ length: 6 }, (_, i) => `app-${i}`);
  for (const name of names) await h.kustomization(ns, name, REMOTE);
  await until(() => proxy.connections() > 0, { ...LONG, message: 'an attempt to connect' });
  const other = await h.namespace();
  await h.publish(other, { 'a.yaml': manifests(configMap(other, 'a')) });
  const started = performance.now();
  await h.kustomization(other, 'app');
  await h.ready(other, 'app', 'True');
  const tookMs = performance.now() - started;
  assert.ok(tookMs < 8_000, `another Kustomization took ${tookMs} ms`);
  await h.ready(ns, 'app-0', 'False', /^the cluster of spec.kubeConfig can't be used: /);
  proxy.thaw();
  for (const name of names) await h.ready(ns, name, 'True');
});
