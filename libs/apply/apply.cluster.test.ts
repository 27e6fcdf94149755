// Applying and pruning against a real API server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '@weir/cluster';
import { isNotFound, type KubeObject, serviceAccountUser } from '@weir/kube';
import { applyObjects } from './apply.ts';
import { actingAs } from './cluster.ts';
import { ApplyError, DryRunError, NamespaceMissingError } from './errors.ts';
import { targetOf } from './objects.ts';
import { pruneObjects } from './prune.ts';
import {
  actions,
  configMap,
  definition,
  deployment,
  FIELD_MANAGER,
  type Harness,
  owned,
  owner,
  startHarness,
} from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness({ nodes: 0, controllerManager: false });
});
after(() => h?.close());

const exists = (namespace: string, name: string) =>
  h.get('v1', 'ConfigMap', namespace, name).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
const signal = AbortSignal.timeout(300_000);

async function failure(run: Promise<unknown>): Promise<ApplyError> {
  const error = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(error instanceof ApplyError, `expected an ApplyError, got ${error}`);
  return error;
}

test('objects are created, then found unchanged, then configured', async () => {
  const ns = await h.namespace();
  const objects = [deployment(ns, 'web'), configMap(ns, 'c', { a: '1' })];
  assert.deepEqual(actions(await h.apply(objects)), [
    `ConfigMap/${ns}/c created`,
    `Deployment/${ns}/web created`,
  ]);
  const before = await h.get('apps/v1', 'Deployment', ns, 'web');
  assert.deepEqual(actions(await h.apply(objects)), [
    `ConfigMap/${ns}/c unchanged`,
    `Deployment/${ns}/web unchanged`,
  ]);
  const after = await h.get('apps/v1', 'Deployment', ns, 'web');
  assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);
  const changed = [deployment(ns, 'web'), configMap(ns, 'c', { a: '2' })];
  assert.deepEqual(actions(await h.apply(changed, { expected: () => true })), [
    `ConfigMap/${ns}/c configured`,
    `Deployment/${ns}/web unchanged`,
  ]);
  assert.deepEqual((await h.get('v1', 'ConfigMap', ns, 'c')).data, { a: '2' });
});

test('a bad object stops its stage untouched, and is named', async () => {
  const ns = await h.namespace();
  const bad = { ...configMap(ns, 'bad'), data: { 'not a key!': 'x' } };
  const error = await failure(h.apply([configMap(ns, 'good'), bad]));
  assert.match(error.message, new RegExp(`^ConfigMap/${ns}/bad dry-run failed \\(Invalid\\): `));
  assert.ok(error.cause instanceof DryRunError);
  assert.deepEqual(error.touched, []);
  assert.equal(await exists(ns, 'good'), false);
});

test('a missing namespace, an absent one and an unknown kind are told apart', async () => {
  const nowhere = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } };
  const missing = await failure(h.apply([nowhere]));
  assert.ok(missing.cause instanceof NamespaceMissingError);
  assert.match(missing.message, /^ConfigMap\/c namespace not specified: /);
  const absent = await failure(h.apply([configMap('absent', 'c')]));
  assert.equal(absent.message, 'ConfigMap/absent/c not found: namespaces "absent" not found');
  const gadget = { ...configMap('absent', 'g'), apiVersion: 'example.com/v9', kind: 'Gadget' };
  const unknown = await failure(h.apply([gadget]));
  assert.equal(
    unknown.message,
    'Gadget/absent/g dry-run failed: no matches for kind "Gadget" in version "example.com/v9"',
  );
});

test('a namespace and a kind can come with the objects that need them', async () => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fresh' } };
  const widget = {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'fresh' },
    spec: { size: 1 },
  };
  const applied = await h.apply([widget, configMap('fresh', 'c'), namespace, definition('Widget')]);
  assert.deepEqual(actions(applied), [
    'CustomResourceDefinition/widgets.example.com created',
    'Namespace/fresh created',
    'ConfigMap/fresh/c created',
    'Widget/fresh/w created',
  ]);
});

test('a namespace on what belongs to the cluster is left out', async () => {
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'reader:x', namespace: 'ignored' },
    rules: [],
  };
  assert.deepEqual(actions(await h.apply([role])), ['ClusterRole/reader:x created']);
});

test('what was written before a failed stage is reported', async () => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'half' } };
  const bad = { ...configMap('half', 'bad'), data: { 'not a key!': 'x' } };
  const error = await failure(h.apply([namespace, bad]));
  assert.deepEqual(
    error.changes.map(({ id, action }) => [id.name, action]),
    [['half', 'created']],
  );
  assert.deepEqual(
    error.touched.map(({ name }) => name),
    ['half'],
  );
});

test('an immutable field needs force, and force deletes nothing that could not come back', async () => {
  const ns = await h.namespace();
  await h.apply([deployment(ns, 'web')]);
  const before = await h.get('apps/v1', 'Deployment', ns, 'web');
  const changed = deployment(ns, 'web');
  changed.spec.selector.matchLabels = { app: 'other' };
  changed.spec.template.metadata.labels = { app: 'other' };
  const refused = await failure(h.apply([changed]));
  assert.match(refused.message, /dry-run failed \(Invalid\): .*field is immutable/);

  const broken = structuredClone(changed);
  broken.spec.template.metadata.labels = { app: 'third' };
  await failure(h.apply([broken], { force: true }));
  const still = await h.get('apps/v1', 'Deployment', ns, 'web');
  assert.equal(still.metadata.uid, before.metadata.uid);

  const applied = await h.apply([changed], { force: true });
  assert.deepEqual(actions(applied), [`Deployment/${ns}/web created`]);
  const after = await h.get('apps/v1', 'Deployment', ns, 'web');
  assert.notEqual(after.metadata.uid, before.metadata.uid);
});

test('a manual edit is undone and its fields become ours', async () => {
  const ns = await h.namespace();
  const objects = [configMap(ns, 'c', { a: '1' })];
  await h.apply(objects);
  const path = `/api/v1/namespaces/${ns}/configmaps/c?fieldManager=kubectl-edit`;
  const edit = { data: { a: 'edited', b: 'added' } };
  await h.cluster.request('PATCH', path, edit, { contentType: 'application/merge-patch+json' });
  assert.deepEqual(actions(await h.apply(objects)), [`ConfigMap/${ns}/c configured`]);
  const { data, metadata } = await h.get('v1', 'ConfigMap', ns, 'c');
  assert.deepEqual(data, { a: '1' });
  assert.deepEqual(
    metadata.managedFields?.map(({ manager, operation }) => [manager, operation]),
    [[FIELD_MANAGER, 'Apply']],
  );
});

test('an exempt field that another manager applies is left to it', async () => {
  const ns = await h.namespace();
  const exempt = () => Promise.resolve(['/spec/replicas']);
  await h.apply([deployment(ns, 'web', 1)], { exempt });
  const type = await h.client.discovery.resourceForKind('apps/v1', 'Deployment');
  const scaled = { ...deployment(ns, 'web'), spec: { replicas: 3 } };
  await h.client.apply(type, scaled, { fieldManager: 'scaler', force: true });
  assert.deepEqual(actions(await h.apply([deployment(ns, 'web', 1)], { exempt })), [
    `Deployment/${ns}/web unchanged`,
  ]);
  const changed = await h.apply([deployment(ns, 'web', 1, 'nginx:2')], { exempt });
  assert.deepEqual(actions(changed), [`Deployment/${ns}/web configured`]);
  const { spec, metadata } = await h.get('apps/v1', 'Deployment', ns, 'web');
  assert.equal((spec as { replicas: number }).replicas, 3);
  const owners = metadata.managedFields?.filter(({ fieldsV1 }) =>
    JSON.stringify(fieldsV1).includes('"f:replicas"'),
  );
  assert.deepEqual(
    owners?.map(({ manager }) => manager),
    ['scaler'],
  );
});

test('what somebody writes between the read and the dry-run is no change of ours', async () => {
  const ns = await h.namespace();
  const exempt = () => Promise.resolve(['/spec/replicas']);
  const target = deployment(ns, 'web', 1);
  await h.apply([target], { exempt });
  const type = await h.client.discovery.resourceForKind('apps/v1', 'Deployment');
  const scaled = { ...deployment(ns, 'web'), spec: { replicas: 3 } };
  await h.client.apply(type, scaled, { fieldManager: 'scaler', force: true });
  // The Deployment's controller answers the change with an annotation, at any time.
  let writes = 0;
  const annotate = () =>
    h.client.patch(
      type,
      target.metadata,
      { metadata: { annotations: { 'deployment.kubernetes.io/revision': String(++writes) } } },
      { kind: 'merge', fieldManager: 'deployment-controller' },
    );
  const client: typeof h.client = {
    ...h.client,
    async get(...args) {
      const found = await h.client.get<never>(...args);
      if (writes === 0) await annotate();
      return found;
    },
    async apply(...args) {
      await until(() => writes > 0, { timeoutMs: 10_000, message: 'the annotation' });
      return h.client.apply(...args);
    },
  };
  const applied = await applyObjects({ ...h.target, client }, owned([target]), {
    ...{ owner: owner(), exempt, expected: () => true, signal },
    status: (list) => h.pool.status(list, { tenant: 'test' }),
  });
  assert.equal(writes, 1);
  assert.deepEqual(actions(applied), [`Deployment/${ns}/web unchanged`]);
});

test('records of ownership under another version are migrated where that is asked for', async () => {
  const ns = await h.namespace();
  const scaler = (version: string) => ({
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: ns },
    spec: {
      maxReplicas: 3,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    },
  });
  const versions = async () => {
    const { metadata } = await h.get('autoscaling/v2', 'HorizontalPodAutoscaler', ns, 'web');
    return metadata.managedFields?.map(({ apiVersion }) => apiVersion);
  };
  await h.apply([scaler('v1')]);
  const type = await h.client.discovery.resourceForKind('autoscaling/v1', scaler('v1').kind);
  const other = { ...scaler('v1'), metadata: { ...scaler('v1').metadata, labels: { x: 'y' } } };
  await h.client.apply(type, other, { fieldManager: 'other', force: true });
  assert.deepEqual(await versions(), ['autoscaling/v1', 'autoscaling/v1']);
  const migrated = await h.apply([scaler('v2')], { migrateVersion: true });
  assert.deepEqual(actions(migrated), [`HorizontalPodAutoscaler/${ns}/web configured`]);
  assert.deepEqual(await versions(), ['autoscaling/v2', 'autoscaling/v2']);
  const again = await h.apply([scaler('v2')], { migrateVersion: true });
  assert.deepEqual(actions(again), [`HorizontalPodAutoscaler/${ns}/web unchanged`]);
});

test('markers take an object out of the apply', async () => {
  const ns = await h.namespace();
  const marked = (value: string, data: Record<string, string>): KubeObject => {
    const object = configMap(ns, value.toLowerCase(), data);
    const annotations = { 'kustomize.toolkit.fluxcd.io/ssa': value };
    return { ...object, metadata: { ...object.metadata, annotations } };
  };
  const first = await h.apply([marked('Ignore', {}), marked('IfNotPresent', { a: '1' })]);
  assert.deepEqual(actions(first), [
    `ConfigMap/${ns}/ifnotpresent created`,
    `ConfigMap/${ns}/ignore skipped`,
  ]);
  assert.equal(await exists(ns, 'ignore'), false);
  const second = await h.apply([marked('IfNotPresent', { a: '2' })]);
  assert.deepEqual(actions(second), [`ConfigMap/${ns}/ifnotpresent skipped`]);
  assert.deepEqual((await h.get('v1', 'ConfigMap', ns, 'ifnotpresent')).data, { a: '1' });
});

test('what is about to be there is recorded before anything is written', async () => {
  const ns = await h.namespace();
  const refuse = () => Promise.reject(new Error('could not be recorded'));
  const error = await failure(h.apply([configMap(ns, 'c')], { record: refuse }));
  assert.equal(error.message, 'could not be recorded');
  assert.equal(await exists(ns, 'c'), false);
});

test('an account can only what it may', async () => {
  const ns = await h.namespace();
  const tenant = actingAs(h.target, serviceAccountUser(ns, 'tenant'));
  const { applyObjects } = await import('./apply.ts');
  const error = await failure(
    applyObjects(tenant, owned([configMap(ns, 'c')]), {
      owner: owner(),
      status: (list) => h.pool.status(list, { tenant: 'test' }),
      signal,
    }),
  );
  assert.match(
    error.message,
    new RegExp(
      `^ConfigMap/${ns}/c dry-run failed \\(Forbidden\\): .*system:serviceaccount:${ns}:tenant`,
    ),
  );
});

test('pruning deletes what is still ours, and nothing else', async () => {
  const ns = await h.namespace();
  const kept = configMap(ns, 'kept');
  const annotations = { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' };
  const objects = [
    configMap(ns, 'gone'),
    { ...kept, metadata: { ...kept.metadata, annotations } },
    deployment(ns, 'web'),
  ];
  await h.apply(objects);
  await h.apply([configMap(ns, 'taken')], { owner: owner('other') });
  const targets = [...objects, configMap(ns, 'taken'), configMap(ns, 'never')].map(targetOf);
  const unknown = { ...targetOf(kept), group: 'nowhere.io', kind: 'Nothing' };
  const { changes, left, error } = await pruneObjects(h.target, [...targets, unknown], {
    owner: owner(),
    signal,
  });
  assert.equal(error, undefined);
  assert.deepEqual(left, []);
  assert.deepEqual(
    changes.map(({ id, action }) => `${id.name} ${action}`),
    [
      'kept deleted',
      'web deleted',
      'taken skipped',
      'never deleted',
      'kept skipped',
      'gone deleted',
    ],
  );
  assert.equal(await exists(ns, 'gone'), false);
  assert.equal(await exists(ns, 'kept'), true);
  assert.equal(await exists(ns, 'taken'), true);
});

test('what could not be deleted is named and left', async () => {
  const ns = await h.namespace();
  await h.apply([configMap(ns, 'c')]);
  const target = targetOf(configMap(ns, 'c'));
  const tenant = actingAs(h.target, serviceAccountUser(ns, 'tenant'));
  const { left, error } = await pruneObjects(tenant, [target], { owner: owner(), signal });
  assert.deepEqual(left, [target]);
  assert.match(error ?? '', new RegExp(`^delete failed, errors: ConfigMap/${ns}/c query failed: `));
});

test('an object that was just applied is never pruned, whatever an inventory calls it', async () => {
  const ns = await h.namespace();
  const [applied] = await h.apply([configMap(ns, 'c')]);
  const keep = new Set([applied?.object?.metadata.uid ?? '']);
  const target = targetOf(configMap(ns, 'c'));
  const { changes } = await pruneObjects(h.target, [target], { owner: owner(), keep, signal });
  assert.equal(changes[0]?.action, 'skipped');
  assert.equal(await exists(ns, 'c'), true);
});
