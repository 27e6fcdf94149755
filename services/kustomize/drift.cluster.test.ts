// Drift of objects that a Kustomization applied before it began to fail.
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
import { eventsOf } from './testing/observe.ts';

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
  // When a later change has been noticed, the earlier one has been corrected.
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

test('drift is put back at once', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '1' }), configMap(ns, 'b')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const path = `/api/v1/namespaces/${ns}/configmaps`;
  const restored = (name: string, holds: (data: unknown) => boolean) =>
    until(
      async () => {
        const object = await h.configMap(ns, name);
        return object !== undefined && holds(object.data);
      },
      { ...LONG, message: `${name} to be put back` },
    );
  const edit = { data: { v: 'edited', w: 'added' } };
  await h.cluster.request('PATCH', `${path}/a?fieldManager=kubectl-edit`, edit, MERGE);
  await restored('a', (data) => JSON.stringify(data) === '{"v":"1"}');
  await h.cluster.request('DELETE', `${path}/b`);
  await restored('b', () => true);
  const label = { metadata: { labels: { 'kustomize.toolkit.fluxcd.io/name': null } } };
  await h.cluster.request('PATCH', `${path}/b`, label, MERGE);
  await until(
    async () =>
      (await h.configMap(ns, 'b'))?.metadata.labels?.['kustomize.toolkit.fluxcd.io/name'] === 'app',
    { ...LONG, message: 'the label to be put back' },
  );
});

test('a Deployment that was scaled by hand once is put back once, and quietly', async () => {
  const ns = await h.namespace();
  const labels = { app: 'web' };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: ns },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
    },
  };
  const broken = configMap(ns, 'broken');
  await h.publish(ns, { 'a.yaml': manifests(deployment) });
  await h.kustomization(ns, 'app', { retryInterval: '1h' });
  await h.ready(ns, 'app', 'True');
  const web = `/apis/apps/v1/namespaces/${ns}/deployments/web`;
  // As the Deployment's controller does while it scales: several writes of the status, one after the other.
  const scale = async () => {
    const scaled = { spec: { replicas: 3 } };
    await h.cluster.request('PATCH', `${web}/scale?fieldManager=kubectl`, scaled, MERGE);
    for (const replicas of [1, 2, 3, 4, 5, 6]) {
      const status = { observedGeneration: 1, replicas };
      await h.cluster.request('PATCH', `${web}/status`, { status }, MERGE);
    }
  };
  await scale();
  const isBack = async () => {
    const object = await h.find('apps/v1', 'Deployment', { namespace: ns, name: 'web' });
    return (object?.spec as { replicas?: number } | undefined)?.replicas === 1;
  };
  await until(isBack, { ...LONG, message: 'the replicas to be put back' });
  // A commit is reconciled after whatever was enqueued before it.
  const next = await h.publish(ns, { 'a.yaml': manifests(deployment, broken) });
  await h.ready(ns, 'app', 'True', new RegExp(next));
  const said = eventsOf(h, ns).map(({ event }) => `${event.reason}: ${event.message}`);
  assert.deepEqual(
    said.filter((line) => line.startsWith('DriftRepeated')),
    [],
  );
  const repairs = said.filter((line) => line.includes(`Deployment/${ns}/web configured`));
  assert.equal(repairs.length, 1, said.join('\n'));
});
