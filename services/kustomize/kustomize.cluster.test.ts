// The whole service: what a user sees of one Kustomization from its first artifact to its end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { findCondition, HEALTHY, type Kustomization, READY } from '@weir/api';
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
  h = await startHarness({ 'requeue-dependency': '1h' });
});
after(() => h?.close());

const LONG = { timeoutMs: 20_000 };
const gone = (namespace: string, name: string) =>
  until(async () => (await h.configMap(namespace, name)) === undefined, {
    ...LONG,
    message: `ConfigMap ${namespace}/${name} to be gone`,
  });
const ids = ({ status }: Kustomization) => status?.inventory?.entries.map(({ id }) => id);
const eventsOf = (namespace: string, name = 'app') =>
  h.events.filter(
    ({ event }) =>
      event.involvedObject.namespace === namespace && event.involvedObject.name === name,
  );
const heard = (namespace: string, text: RegExp) =>
  until(() => eventsOf(namespace).find(({ event }) => text.test(event.message)), {
    ...LONG,
    message: `an event like ${text}`,
  });

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
  assert.deepEqual(ids(applied), [`${ns}_a__ConfigMap`, `${ns}_b__ConfigMap`]);
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
  assert.deepEqual(ids(changed), [`${ns}_a__ConfigMap`]);
  assert.equal(changed.status?.history?.length, 2);

  const { event } = await heard(ns, /^ConfigMap\/.*\/a configured$/);
  assert.equal(event.reason, 'Progressing');
  assert.equal(event.metadata?.['kustomize.toolkit.fluxcd.io/revision'], second);
  await heard(ns, new RegExp(`^ConfigMap/${ns}/b deleted$`));
  const finished = await heard(ns, /^Reconciliation finished in .*, next run in 1h0m0s$/);
  assert.equal(finished.event.reason, 'ReconciliationSucceeded');
  assert.equal(finished.event.involvedObject.kind, 'Kustomization');
});

test('a source that is only watched is followed too', async () => {
  const ns = await h.namespace();
  await h.kustomization(ns, 'app');
  const waiting = await h.ready(ns, 'app', 'False');
  const missing = findCondition(waiting.status?.conditions, READY);
  assert.equal(missing?.reason, 'ArtifactFailed');
  assert.equal(missing?.message, 'GitRepository.source.toolkit.fluxcd.io "git" not found');
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) }, { announce: false });
  await h.ready(ns, 'app', 'True');
});

test("the reconcile continues the artifact's trace", async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '2' })) }, { traceparent });
  const { traceparent: carried } = await heard(ns, /\/a configured$/);
  assert.equal(carried?.split('-')[1], trace);
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
    ...LONG,
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
  const { event } = await heard(ns, /a\.yaml/);
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
  assert.deepEqual(ids(applied), [`${ns}_g_test.example.com_Gadget`]);
});

test('an account without rights is told who, what and where; with rights it applies', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { serviceAccountName: 'tenant', retryInterval: '1s' });
  const failed = await h.ready(ns, 'app', 'False');
  assert.match(
    findCondition(failed.status?.conditions, READY)?.message ?? '',
    new RegExp(
      `^ConfigMap/${ns}/a dry-run failed \\(Forbidden\\): .*"system:serviceaccount:${ns}:tenant" cannot patch resource "configmaps"`,
    ),
  );
  assert.equal(await h.configMap(ns, 'a'), undefined);
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
  await h.cluster.request('POST', `${rbac}/roles`, {
    metadata: { name: 'tenant' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] }],
  });
  await h.cluster.request('POST', `${rbac}/rolebindings`, {
    metadata: { name: 'tenant' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' },
    subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace: ns }],
  });
  await h.ready(ns, 'app', 'True');
});

test('a dependent starts when its dependency turns ready', async () => {
  const ns = await h.namespace();
  await h.publish(ns, {
    'base/a.yaml': manifests(configMap(ns, 'base')),
    'app/a.yaml': manifests(configMap(ns, 'app')),
  });
  await h.kustomization(ns, 'app', { path: './app', dependsOn: [{ name: 'base' }] });
  const waiting = await h.ready(ns, 'app', 'False', /^dependency '.*\/base' not found/);
  assert.equal(findCondition(waiting.status?.conditions, READY)?.reason, 'DependencyNotReady');
  assert.equal(await h.configMap(ns, 'app'), undefined);
  await h.kustomization(ns, 'base', { path: './base' });
  await h.ready(ns, 'app', 'True');
  const [base, app] = [await h.configMap(ns, 'base'), await h.configMap(ns, 'app')];
  assert.ok(
    Number(base?.metadata.resourceVersion) < Number(app?.metadata.resourceVersion),
    'the dependency is applied first',
  );
  const revision = await h.publish(ns, {
    'base/a.yaml': manifests(configMap(ns, 'base', { v: '2' })),
    'app/a.yaml': manifests(configMap(ns, 'app', { v: '2' })),
  });
  await h.ready(ns, 'app', 'True', new RegExp(revision));
});

test('a health check fails with Flux words, and recovers', async () => {
  const ns = await h.namespace();
  const labels = { app: 'web' };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: ns },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'c', image: 'nginx' }] },
      },
    },
  };
  await h.publish(ns, { 'a.yaml': manifests(deployment, configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { wait: true, retryInterval: '1s' });
  const path = `/apis/apps/v1/namespaces/${ns}/deployments/web/status`;
  const status = (body: object) => h.cluster.request('PATCH', path, { status: body }, MERGE);
  await until(
    async () => {
      const { status } = await h.read(ns, 'app');
      return findCondition(status?.conditions, HEALTHY)?.status === 'Unknown';
    },
    { ...LONG, message: 'the wait to show' },
  );
  const condition = (type: string, value: string, reason: string) => ({
    type,
    status: value,
    reason,
  });
  await status({
    observedGeneration: 1,
    conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')],
  });
  const failed = await h.ready(ns, 'app', 'False', /^health check failed after /);
  const ready = findCondition(failed.status?.conditions, READY);
  assert.equal(ready?.reason, 'HealthCheckFailed');
  assert.match(
    ready?.message ?? '',
    new RegExp(
      `: failed early due to stalled resources: \\[Deployment/${ns}/web status: 'Failed'\\]$`,
    ),
  );
  assert.equal(findCondition(failed.status?.conditions, HEALTHY)?.status, 'False');
  assert.equal(failed.status?.lastAppliedRevision, undefined);
  await status({
    observedGeneration: 1,
    replicas: 1,
    readyReplicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
    conditions: [
      condition('Progressing', 'True', 'NewReplicaSetAvailable'),
      condition('Available', 'True', 'MinimumReplicasAvailable'),
    ],
  });
  const healthy = await h.ready(ns, 'app', 'True');
  assert.equal(findCondition(healthy.status?.conditions, HEALTHY)?.reason, 'Succeeded');
  await heard(ns, /^Health check passed in /);
});

test('a wait for health ends when the object changes or goes', async () => {
  const ns = await h.namespace();
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'never-bound', namespace: ns },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  await h.publish(ns, { 'a.yaml': manifests(claim) });
  const waits = (name: string) =>
    until(
      async () => {
        const { status } = await h.read(ns, name);
        return findCondition(status?.conditions, HEALTHY)?.status === 'Unknown';
      },
      { ...LONG, message: `${name} to wait` },
    );
  await h.kustomization(ns, 'app', { wait: true, timeout: '10m' });
  await waits('app');
  const changed = await h.kustomization(ns, 'app', { wait: false, timeout: '10m' });
  const ready = await h.ready(ns, 'app', 'True');
  assert.equal(ready.status?.observedGeneration, changed.metadata.generation);
  assert.equal(findCondition(ready.status?.conditions, HEALTHY), undefined);

  await h.kustomization(ns, 'app', { wait: true, timeout: '10m' });
  await waits('app');
  const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${ns}/kustomizations/app`;
  await h.cluster.request('DELETE', path);
  const ref = { namespace: ns, name: 'app' };
  await until(
    async () =>
      (await h.find('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', ref)) === undefined,
    { ...LONG, message: 'the Kustomization to be gone' },
  );
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
    { ...LONG, message: 'the suspension to be observed' },
  );
  const revision = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '2' })) });
  await h.cluster.request('DELETE', `/api/v1/namespaces/${ns}/configmaps/a`);
  // Something that surely comes later has been reconciled by then.
  await h.kustomization(ns, 'other', { prune: false });
  await h.ready(ns, 'other', 'True', new RegExp(revision));
  assert.notEqual((await h.read(ns, 'app')).status?.lastAppliedRevision, revision);
  await h.kustomization(ns, 'app', { suspend: false });
  await h.ready(ns, 'app', 'True', new RegExp(revision));
});

test('deletion prunes, also when source and account are gone', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const sources = `/apis/source.toolkit.fluxcd.io/v1/namespaces/${ns}/gitrepositories/git`;
  await h.cluster.request('DELETE', sources);
  const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${ns}/kustomizations`;
  await h.cluster.request('DELETE', `${path}/app`);
  await gone(ns, 'a');
  await h.kustomization(ns, 'orphan', { serviceAccountName: 'never-was' });
  await h.ready(ns, 'orphan', 'False');
  await h.cluster.request('DELETE', `${path}/orphan`);
  const ref = { namespace: ns, name: 'orphan' };
  await until(
    async () =>
      (await h.find('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', ref)) === undefined,
    { ...LONG, message: 'the Kustomization to be gone' },
  );
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

test('fields without behaviour are refused by name', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { decryption: { provider: 'sops' } });
  const refused = await h.ready(ns, 'app', 'False', /spec\.decryption/);
  assert.equal(findCondition(refused.status?.conditions, 'Stalled')?.status, 'True');
  assert.equal(findCondition(refused.status?.conditions, READY)?.reason, 'UnsupportedField');
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
    { ...LONG, message: 'the new colour' },
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
  const two = await h.start('two');
  await until(() => two.ready() === true, { ...LONG, message: 'the second replica' });
  const shared = await h.publish(ns, files('2'));
  for (const name of names) await h.ready(ns, name, 'True', new RegExp(shared));
  await two.close();
  const alone = await h.publish(ns, files('3'));
  for (const name of names) {
    await h.ready(ns, name, 'True', new RegExp(alone));
    assert.deepEqual((await h.configMap(ns, name))?.data, { v: '3' });
  }
});

test('an artifact that changes nothing for it costs one write of its status', async () => {
  const ns = await h.namespace();
  const own = { 'app/a.yaml': manifests(configMap(ns, 'a', { v: '1' })) };
  await h.publish(ns, { ...own, 'other/b.yaml': 'first' });
  await h.kustomization(ns, 'app', { path: './app', wait: true });
  await h.ready(ns, 'app', 'True');
  const asked = async () => {
    const all = (await h.cluster.audit()).map(({ verb, objectRef }) => ({ verb, ...objectRef }));
    return all
      .filter(({ namespace }) => namespace === ns)
      .map(({ verb, resource, subresource = '' }) => `${verb} ${resource}/${subresource}`)
      .filter((what) => / (configmaps|kustomizations|events)/.test(what))
      .filter((what) => what !== 'get kustomizations/');
  };

  const before = (await asked()).length;
  const passed = await h.publish(ns, { ...own, 'other/b.yaml': 'second' });
  const { status } = await h.ready(ns, 'app', 'True', new RegExp(passed));
  assert.equal(status?.lastAppliedRevision, passed);
  assert.equal(status?.lastAttemptedRevision, passed);
  assert.deepEqual(status?.history?.[0]?.metadata, { revision: passed });
  await until(
    () => eventsOf(ns).find(({ event }) => Object.values(event.metadata ?? {}).includes(passed)),
    { ...LONG, message: 'the event of the new revision' },
  );
  assert.deepEqual((await asked()).slice(before), ['patch kustomizations/status']);

  const body = { data: { v: 'by hand' } };
  await h.cluster.request('PATCH', `/api/v1/namespaces/${ns}/configmaps/a`, body, MERGE);
  const isBack = async () => isDeepStrictEqual((await h.configMap(ns, 'a'))?.data, { v: '1' });
  await until(isBack, {
    ...LONG,
    message: 'the drift to be put right',
  });

  const more = { 'app/new.yaml': manifests(configMap(ns, 'new')) };
  const grown = await h.publish(ns, { ...own, ...more, 'other/b.yaml': 'second' });
  const applied = await h.ready(ns, 'app', 'True', new RegExp(grown));
  assert.deepEqual(ids(applied), [`${ns}_a__ConfigMap`, `${ns}_new__ConfigMap`]);
});
