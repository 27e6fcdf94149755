// `spec.ignore` and the feature gates that change how a run ends.
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

const LONG = { timeoutMs: 20_000 };

let h: Harness;
before(async () => {
  h = await startHarness({
    'feature-gates': 'CancelHealthCheckOnNewRevision=true,DisableFailFastBehavior=true',
  });
});
after(() => h?.close());

const edit = (ns: string, name: string, data: object) =>
  h.cluster.request('PATCH', `/api/v1/namespaces/${ns}/configmaps/${name}`, { data }, MERGE);
const holds = (ns: string, name: string, data: object) =>
  until(
    async () => {
      const found = (await h.configMap(ns, name))?.data;
      assert.deepEqual(found, data);
      return true;
    },
    { ...LONG, message: `data of ${ns}/${name}` },
  );

test('an ignored field is left alone, others are put back', async () => {
  const ns = await h.namespace();
  const rendered = (own: string) => ({
    'a.yaml': manifests(
      configMap(ns, 'a', { own, shared: '1' }),
      configMap(ns, 'strict', { shared: '1' }),
    ),
  });
  await h.publish(ns, rendered('1'));
  const target = { kind: 'ConfigMap', name: 'a.*' };
  await h.kustomization(ns, 'app', { ignore: [{ paths: ['/data/shared'], target }] });
  await h.ready(ns, 'app', 'True');

  await edit(ns, 'a', { shared: '2' });
  await edit(ns, 'strict', { shared: '2' });
  await holds(ns, 'strict', { shared: '1' });
  await holds(ns, 'a', { own: '1', shared: '2' });

  const revision = await h.publish(ns, rendered('2'));
  await h.ready(ns, 'app', 'True', new RegExp(revision));
  await holds(ns, 'a', { own: '2', shared: '2' });

  await h.kustomization(ns, 'app', { ignore: [] });
  await holds(ns, 'a', { own: '2', shared: '1' });
});

test('a rule that can not be read fails before anything is applied', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { ignore: [{ paths: ['/data'], target: { kind: '(' } }] });
  const failed = await h.ready(ns, 'app', 'False', /^failed to create ignore rule selector: /);
  const ready = findCondition(failed.status?.conditions, READY);
  assert.equal(ready?.reason, 'ReconciliationFailed');
  assert.equal(await h.configMap(ns, 'a'), undefined);
});

const stuck = (namespace: string, name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace },
  spec: {
    template: {
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'example.com/c' }] },
    },
  },
});

const cancelled = (ns: string, trigger: string) =>
  until(
    () =>
      h.events.find(
        ({ event }) =>
          event.involvedObject.namespace === ns &&
          event.message ===
            `Health checks canceled due to new reconciliation triggered by ${trigger}`,
      ),
    { ...LONG, message: `health checks canceled by ${trigger}` },
  );

test('a new revision ends the health check of the one before', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(stuck(ns, 'never')) });
  await h.kustomization(ns, 'app', { wait: true, timeout: '10m' });
  await h.ready(ns, 'app', 'Unknown');
  const revision = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  const ready = await h.ready(ns, 'app', 'True', new RegExp(revision));
  const { event } = await cancelled(ns, `GitRepository/${ns}/git`);
  assert.equal(event.reason, 'HealthCheckCanceled');
  assert.deepEqual(
    ready.status?.history?.map(({ lastReconciledStatus }) => lastReconciledStatus),
    ['ReconciliationSucceeded'],
  );
});

test('a watched variable that changes ends it too, and is used at once', async () => {
  const ns = await h.namespace();
  const vars = (value: string) => ({
    ...configMap(ns, 'vars', { value }),
    metadata: { name: 'vars', namespace: ns, labels: { 'reconcile.fluxcd.io/watch': 'Enabled' } },
  });
  await h.cluster.request('POST', `/api/v1/namespaces/${ns}/configmaps`, vars('one'));
  const files = { 'a.yaml': manifests(configMap(ns, 'a', { v: `\${value}` }), stuck(ns, 'never')) };
  await h.publish(ns, files);
  const postBuild = { substituteFrom: [{ kind: 'ConfigMap' as const, name: 'vars' }] };
  await h.kustomization(ns, 'app', { wait: true, timeout: '10m', postBuild });
  await h.ready(ns, 'app', 'Unknown');
  await holds(ns, 'a', { v: 'one' });
  await edit(ns, 'vars', { value: 'two' });
  await holds(ns, 'a', { v: 'two' });
  await cancelled(ns, `ConfigMap/${ns}/vars`);
});

test('with fail fast off, the others are waited for', async () => {
  const ns = await h.namespace();
  const check = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    failed: "data.state == 'bad'",
    current: "data.state == 'good'",
  };
  await h.publish(ns, {
    'a.yaml': manifests(configMap(ns, 'a', { state: 'bad' }), configMap(ns, 'b', { state: 'new' })),
  });
  await h.kustomization(ns, 'app', {
    wait: true,
    timeout: '10m',
    healthCheckExprs: [check],
    ignore: [{ paths: ['/data/state'] }],
  });
  await h.ready(ns, 'app', 'Unknown');
  await holds(ns, 'b', { state: 'new' });
  await edit(ns, 'b', { state: 'good' });
  const failed = await h.ready(ns, 'app', 'False');
  assert.match(
    findCondition(failed.status?.conditions, READY)?.message ?? '',
    /: failed early due to stalled resources: \[ConfigMap\/.*\/a status: 'Failed'\]$/,
  );
});
