// Beside Flux: while its kustomize-controller holds its leader Lease, Weir changes nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Lease, Namespace } from '@weir/kube';
import { configMap, type Harness, manifests, startHarness, until } from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

const NAME = 'kustomize-controller-leader-election';
const readiness = (text: RegExp) =>
  until(() => text.test(String(h.readiness())), {
    timeoutMs: 20_000,
    message: `readiness like ${text}, not ${h.readiness()}`,
  });

async function lead(holderIdentity: string) {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'flux-system', name: NAME },
    spec: {
      holderIdentity,
      leaseDurationSeconds: 600,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  };
  await h.client.apply(Lease, lease, { fieldManager: 'flux', force: true });
}

test('while the controller of Flux leads, its objects are left alone', async () => {
  const flux = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flux-system' } };
  await h.client.create(Namespace, flux);
  const ns = await h.namespace();
  const other = manifests(configMap(ns, 'b'));
  await h.publish(ns, {
    'old/a.yaml': manifests(configMap(ns, 'a', { v: '1' })),
    'new/b.yaml': other,
  });
  await h.kustomization(ns, 'old', { path: 'old' });
  await h.ready(ns, 'old', 'True');

  await lead('kustomize-controller-7f9c');
  await readiness(
    /^Flux's kustomize-controller is at work \(Lease flux-system\/kustomize-controller-leader-election of kustomize-controller-7f9c\)$/,
  );
  const before = await h.read(ns, 'old');
  const version = (await h.configMap(ns, 'a'))?.metadata.resourceVersion;
  const created = await h.kustomization(ns, 'new', { path: 'new' });
  const revision = await h.publish(ns, {
    'old/a.yaml': manifests(configMap(ns, 'a', { v: '2' })),
    'new/b.yaml': other,
  });
  // When Weir acts, it needs less than a tenth of that time.
  const start = performance.now();
  await until(() => performance.now() - start > 1_000, { timeoutMs: 5_000, message: 'a second' });
  assert.equal((await h.read(ns, 'old')).metadata.resourceVersion, before.metadata.resourceVersion);
  assert.equal(
    (await h.read(ns, 'new')).metadata.resourceVersion,
    created.metadata.resourceVersion,
  );
  assert.equal((await h.configMap(ns, 'a'))?.metadata.resourceVersion, version);

  const released = performance.now();
  await lead('');
  await h.ready(ns, 'old', 'True', new RegExp(revision));
  await h.ready(ns, 'new', 'True', new RegExp(revision));
  assert.ok(performance.now() - released < 5_000, 'work begins within seconds');
  assert.equal(h.readiness(), true);
});
