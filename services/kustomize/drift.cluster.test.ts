// Drift of what a Kustomization applied before it began to fail.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findCondition, HEALTHY } from '@weir/api';
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

test('while it fails drift makes no noise, and is put back with the next success', async () => {
  const ns = await h.namespace();
  const good = { 'good/a.yaml': manifests(configMap(ns, 'good', { v: 'ours' })) };
  const app = { 'app/a.yaml': manifests(configMap(ns, 'app', { v: 'ours' })) };
  await h.publish(ns, { ...good, ...app });
  for (const name of ['good', 'app']) await h.kustomization(ns, name, { path: `./${name}` });
  for (const name of ['good', 'app']) await h.ready(ns, name, 'True');
  const broken = await h.publish(ns, { ...good, 'app/a.yaml': 'kind: ConfigMap\n\tbroken: [' });
  await h.ready(ns, 'app', 'False', /a\.yaml/);
  await h.ready(ns, 'good', 'True', new RegExp(broken));

  const edit = (name: string, v: string) =>
    h.cluster.request(
      'PATCH',
      `/api/v1/namespaces/${ns}/configmaps/${name}?fieldManager=kubectl-edit`,
      { data: { v } },
      MERGE,
    );
  const holds = (name: string, v: string) =>
    until(async () => ((await h.configMap(ns, name))?.data as { v?: string })?.v === v, {
      ...LONG,
      message: `${name} to hold ${v}`,
    });
  for (const v of ['1', '2', '3', '4', '5']) await edit('app', v);
  // What is noticed later has been put right by now.
  await edit('good', 'theirs');
  await holds('good', 'ours');
  const told = h.events.filter(({ event }) => event.involvedObject.namespace === ns);
  const errors = told.filter(({ event }) => event.severity === 'error');
  assert.deepEqual(
    errors.map(({ event }) => event.reason),
    ['BuildFailed'],
  );
  assert.equal(((await h.configMap(ns, 'app'))?.data as { v?: string })?.v, '5');

  const mended = await h.publish(ns, { ...good, ...app });
  await h.ready(ns, 'app', 'True', new RegExp(mended));
  await holds('app', 'ours');
});

test('what is deleted while its health is waited for is put back, and the wait goes on', async () => {
  const ns = await h.namespace();
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'unbound', namespace: ns },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  await h.publish(ns, { 'a.yaml': manifests(claim, configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { wait: true, timeout: '10m' });
  const waits = async () => {
    const { status } = await h.read(ns, 'app');
    return findCondition(status?.conditions, HEALTHY)?.status === 'Unknown';
  };
  await until(waits, { ...LONG, message: 'the wait to show' });
  await h.cluster.request('DELETE', `/api/v1/namespaces/${ns}/configmaps/a`);
  const isBack = async () => (await h.configMap(ns, 'a')) !== undefined;
  await until(isBack, { ...LONG, message: 'a to come back' });
  assert.equal(await waits(), true);
  const reasons = h.events.flatMap(({ event: { involvedObject, reason } }) =>
    involvedObject.namespace === ns ? reason : [],
  );
  assert.ok(!reasons.includes('HealthCheckCanceled'), reasons.join(', '));

  const status = { phase: 'Bound' };
  const path = `/api/v1/namespaces/${ns}/persistentvolumeclaims/unbound/status`;
  await h.cluster.request('PATCH', path, { status }, MERGE);
  await h.ready(ns, 'app', 'True');
});
