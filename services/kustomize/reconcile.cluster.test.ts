// The whole service, as its user sees it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findCondition, READY } from '@weir/api';
import {
  configMap,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';
import { eventLike, inventoryIds, timeoutMs } from './testing/observe.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

test('a revision is applied, a change follows, what left is pruned', async () => {
  const ns = await h.namespace();
  const first = manifests(configMap(ns, 'a', { v: '1' }), configMap(ns, 'b'));
  const revision = await h.publish(ns, { 'app/all.yaml': first });
  await h.kustomization(ns, 'app', { path: './app' });
  const applied = await h.ready(ns, 'app', 'True');
  assert.equal(
    findCondition(applied.status?.conditions, READY)?.message,
    `Applied revision: ${revision}`,
  );
  assert.deepEqual(applied.metadata.finalizers, ['finalizers.fluxcd.io']);
  assert.deepEqual(inventoryIds(applied), [`${ns}_a__ConfigMap`, `${ns}_b__ConfigMap`]);
  assert.equal(applied.status?.lastAppliedRevision, revision);
  assert.equal(applied.status?.lastAttemptedRevision, revision);
  assert.equal(applied.status?.observedGeneration, applied.metadata.generation);
  assert.equal(applied.status?.history?.[0]?.lastReconciledStatus, 'ReconciliationSucceeded');
  assert.deepEqual(applied.status?.history?.[0]?.metadata, { revision });
  assert.deepEqual(
    applied.status?.conditions?.map(({ type }) => type),
    ['Ready'],
  );

  const second = await h.publish(ns, { 'app/all.yaml': manifests(configMap(ns, 'a', { v: '2' })) });
  const changed = await h.ready(ns, 'app', 'True', new RegExp(second));
  assert.deepEqual((await h.configMap(ns, 'a'))?.data, { v: '2' });
  assert.equal(await h.configMap(ns, 'b'), undefined);
  assert.deepEqual(inventoryIds(changed), [`${ns}_a__ConfigMap`]);
  assert.equal(changed.status?.history?.length, 2);

  const { event } = await eventLike(h, ns, /^ConfigMap\/.*\/a configured$/);
  assert.equal(event.reason, 'Progressing');
  assert.equal(event.metadata?.['kustomize.toolkit.fluxcd.io/revision'], second);
  await eventLike(h, ns, new RegExp(`^ConfigMap/${ns}/b deleted$`));
  const finished = await eventLike(h, ns, /^Reconciliation finished in .*, next run in 1h0m0s$/);
  assert.equal(finished.event.reason, 'ReconciliationSucceeded');
  assert.equal(finished.event.involvedObject.kind, 'Kustomization');
});

test('a request to reconcile is answered', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');

  const request = { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'now' } } };
  const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${ns}/kustomizations/app`;
  await h.cluster.request('PATCH', path, request, MERGE);
  await until(async () => (await h.read(ns, 'app')).status?.lastHandledReconcileAt === 'now', {
    timeoutMs,
    message: 'the request to be handled',
  });
});

test('bad input is named, and left behind with the next revision', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'good/a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { path: './missing' });
  const missing = await h.ready(ns, 'app', 'False', /^kustomization path not found: /);
  const condition = findCondition(missing.status?.conditions, READY);
  assert.equal(condition?.reason, 'ArtifactFailed');
  assert.doesNotMatch(condition?.message ?? '', /tmp/);
  assert.equal(
    findCondition(missing.status?.conditions, 'Reconciling')?.reason,
    'ProgressingWithRetry',
  );

  await h.publish(ns, { 'missing/a.yaml': 'kind: ConfigMap\n\tbroken: [' });
  const broken = await h.ready(ns, 'app', 'False', /a\.yaml/);
  assert.equal(findCondition(broken.status?.conditions, READY)?.reason, 'BuildFailed');
  const { event } = await eventLike(h, ns, /a\.yaml/);
  assert.equal(event.severity, 'error');

  const revision = await h.publish(ns, { 'missing/a.yaml': manifests(configMap(ns, 'a')) });
  await h.ready(ns, 'app', 'True', new RegExp(revision));
});

test('an unknown kind is applied as soon as its definition appears', async () => {
  const ns = await h.namespace();
  const gadget = {
    apiVersion: 'test.example.com/v1',
    kind: 'Gadget',
    metadata: { name: 'g', namespace: ns },
  };
  await h.publish(ns, { 'a.yaml': manifests(gadget) });
  await h.kustomization(ns, 'app');
  const failed = await h.ready(ns, 'app', 'False', /no matches for kind "Gadget"/);
  assert.equal(findCondition(failed.status?.conditions, READY)?.reason, 'ReconciliationFailed');
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  await h.cluster.request('POST', path, {
    metadata: { name: 'gadgets.test.example.com' },
    spec: {
      group: 'test.example.com',
      scope: 'Namespaced',
      names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object' } },
        },
      ],
    },
  });
  const applied = await h.ready(ns, 'app', 'True');
  assert.deepEqual(inventoryIds(applied), [`${ns}_g_test.example.com_Gadget`]);
});

test('a suspended Kustomization leaves everything as it is until it is resumed', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  await h.kustomization(ns, 'app', { suspend: true });
  await until(
    async () => {
      const { status, metadata } = await h.read(ns, 'app');
      return status?.observedGeneration === metadata.generation;
    },
    { timeoutMs, message: 'the suspension to be observed' },
  );
  const revision = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '2' })) });
  await h.cluster.request('DELETE', `/api/v1/namespaces/${ns}/configmaps/a`);
  // When a Kustomization that surely comes later is reconciled, this one would have been reconciled too.
  await h.kustomization(ns, 'other', { prune: false });
  await h.ready(ns, 'other', 'True', new RegExp(revision));
  assert.notEqual((await h.read(ns, 'app')).status?.lastAppliedRevision, revision);
  await h.kustomization(ns, 'app', { suspend: false });
  await h.ready(ns, 'app', 'True', new RegExp(revision));
});

test('variables come from ConfigMaps and Secrets, and a labelled one wakes its users', async () => {
  const ns = await h.namespace();
  const variables = {
    metadata: { name: 'vars', labels: { 'reconcile.fluxcd.io/watch': 'Enabled' } },
    data: { color: 'blue' },
  };
  await h.cluster.request('POST', `/api/v1/namespaces/${ns}/configmaps`, variables);
  const object = configMap(ns, 'a', { color: `\${color}`, size: `\${size}` });
  await h.publish(ns, { 'a.yaml': manifests(object) });
  await h.kustomization(ns, 'app', {
    postBuild: {
      substitute: { size: 'big' },
      substituteFrom: [
        { kind: 'ConfigMap', name: 'vars' },
        { kind: 'Secret', name: 'none', optional: true },
      ],
    },
  });
  await h.ready(ns, 'app', 'True');
  assert.deepEqual((await h.configMap(ns, 'a'))?.data, { color: 'blue', size: 'big' });
  const path = `/api/v1/namespaces/${ns}/configmaps/vars`;
  await h.cluster.request('PATCH', path, { data: { color: 'red' } }, MERGE);
  await until(
    async () =>
      JSON.stringify((await h.configMap(ns, 'a'))?.data) === '{"color":"red","size":"big"}',
    { timeoutMs, message: 'the new colour' },
  );
});

test('two replicas share the work, and one takes it all over', async () => {
  const ns = await h.namespace();
  const names = Array.from({ length: 12 }, (_, index) => `app-${index}`);
  const files = (v: string) =>
    Object.fromEntries(
      names.map((name) => [`${name}/a.yaml`, manifests(configMap(ns, name, { v }))]),
    );
  await h.publish(ns, files('1'));
  for (const name of names) await h.kustomization(ns, name, { path: `./${name}` });
  for (const name of names) await h.ready(ns, name, 'True');
  const two = await h.replica('two');
  const shared = await h.publish(ns, files('2'));
  for (const name of names) await h.ready(ns, name, 'True', new RegExp(shared));
  await two.close();
  const alone = await h.publish(ns, files('3'));
  for (const name of names) {
    await h.ready(ns, name, 'True', new RegExp(alone));
    assert.deepEqual((await h.configMap(ns, name))?.data, { v: '3' });
  }
});

test('an interval of a millisecond is no loop', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  const substituteFrom = [{ kind: 'ConfigMap' as const, name: 'none' }];
  await h.kustomization(ns, 'app', {
    interval: '1ms',
    retryInterval: '1ms',
    postBuild: { substituteFrom },
  });
  await h.ready(ns, 'app', 'False', /ConfigMap\/none/);
  const reads = async () =>
    (await h.cluster.audit()).filter(
      ({ verb, objectRef }) =>
        verb === 'get' && objectRef?.namespace === ns && objectRef.resource === 'configmaps',
    ).length;
  const [started, before] = [performance.now(), await reads()];
  await until(async () => (await reads()) >= before + 3, { timeoutMs, message: 'three more runs' });
  // The shortest interval is a second, of which the jitter takes a twentieth.
  assert.ok(performance.now() - started > 2 * 950, 'a run follows the other after a second');
});
