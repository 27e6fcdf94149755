// Health and drift against a real API server with rollouts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IMAGES } from '@weir/cluster';
import { type KubeObject, serviceAccountUser } from '@weir/kube';
import type { AppliedObject } from './apply.ts';
import { actingAs } from './cluster.ts';
import { createDriftWatch, type Drift, type DriftWatch } from './drift.ts';
import { managerRules } from './field-managers.ts';
import { waitForHealth } from './health.ts';
import type { HealthOptions } from './health-types.ts';
import { inventoryId } from './inventory.ts';
import { targetOf } from './objects.ts';
import {
  configMap,
  deployment,
  FIELD_MANAGER,
  GROUP,
  type Harness,
  startHarness,
  until,
} from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness({ nodes: 1 });
});
after(() => h?.close());

const MANIFEST = 'digest of the manifest';
const MERGE = { contentType: 'application/merge-patch+json' };

function asTarget({ change, object }: AppliedObject) {
  const target = { ...change.id, version: change.version };
  return { target, ...(object === undefined ? {} : { object }) };
}

function names(applied: AppliedObject[]): string[] {
  return applied.map(({ change }) => change.id.name);
}

function unread({ change, desired }: AppliedObject): AppliedObject {
  return { change, desired };
}

function health(applied: AppliedObject[], options: Partial<HealthOptions> = {}) {
  return waitForHealth(h.target, applied.map(asTarget), {
    status: (objects) => h.pool.status(objects, { tenant: 'test' }),
    timeoutMs: 30_000,
    failFast: true,
    signal: AbortSignal.timeout(60_000),
    ...options,
  });
}

test('a rollout is waited for until it is done', async () => {
  const ns = await h.namespace();
  const applied = await h.apply([configMap(ns, 'c'), deployment(ns, 'web', 2)]);
  const result = await health(applied);
  assert.equal(result.healthy, true);
  assert.deepEqual(
    result.results.map(({ status }) => status),
    ['Current', 'Current'],
  );
});

test('many objects of one owner share a watch', async () => {
  const ns = await h.namespace();
  const names = ['a', 'b', 'c'];
  const applied = await h.apply(names.map((name) => deployment(ns, name, 1)));
  const result = await health(applied, { labelSelector: `${GROUP}/name=app` });
  assert.equal(result.healthy, true);
});

test('the time being over, all that is not healthy is named', async () => {
  const ns = await h.namespace();
  const applied = await h.apply([deployment(ns, 'web', 1, IMAGES.failing)]);
  const result = await health(applied, { timeoutMs: 500 });
  assert.equal(
    result.healthy || result.message,
    `timeout waiting for: [Deployment/${ns}/web status: 'InProgress']`,
  );
});

test('a status that can not be told comes with the reason', async () => {
  const ns = await h.namespace();
  const applied = await h.apply([configMap(ns, 'c', { a: '1' })]);
  const checks = [{ apiVersion: 'v1', kind: 'ConfigMap', current: "data.state == 'done'" }];
  const status = (objects: KubeObject[]) => h.pool.status(objects, { tenant: 'test', checks });
  const result = await health(applied, { status, timeoutMs: 300 });
  const why = "failed to evaluate the CEL expression 'data.state == 'done'': no such key: state";
  const message = `timeout waiting for: [ConfigMap/${ns}/c status: 'Unknown': ${why}]`;
  assert.equal(!result.healthy && result.message, message);
});

test('what failed ends the wait early', async () => {
  const ns = await h.namespace();
  const applied = await h.apply([deployment(ns, 'web', 1, IMAGES.failing), configMap(ns, 'c')]);
  const result = await health(applied);
  assert.equal(
    result.healthy || result.message,
    `failed early due to stalled resources: [Deployment/${ns}/web status: 'Failed']`,
  );
});

test('what is not there is NotFound, and healthy once it comes', async () => {
  const ns = await h.namespace();
  const target = targetOf(deployment(ns, 'late', 0));
  const options = {
    failFast: true,
    status: (list: KubeObject[]) => h.pool.status(list, { tenant: 'test' }),
  };
  const signal = AbortSignal.timeout(60_000);
  const early = await waitForHealth(h.target, [{ target }], { ...options, timeoutMs: 300, signal });
  assert.equal(
    early.healthy || early.message,
    `timeout waiting for: [Deployment/${ns}/late status: 'NotFound']`,
  );
  const waiting = waitForHealth(h.target, [{ target }], { ...options, timeoutMs: 20_000, signal });
  await h.apply([deployment(ns, 'late', 0)]);
  assert.equal((await waiting).healthy, true);
});

test('a Job that deletes itself is done when it is gone', async () => {
  const ns = await h.namespace();
  const job = { group: 'batch', version: 'v1', kind: 'Job', namespace: ns, name: 'j' };
  const result = await waitForHealth(h.target, [{ target: job }], {
    status: (objects) => h.pool.status(objects, { tenant: 'test' }),
    timeoutMs: 5_000,
    failFast: true,
    vanishing: new Set([inventoryId(job)]),
    signal: AbortSignal.timeout(60_000),
  });
  assert.equal(result.healthy, true);
});

test('an account that may only read objects waits too', async () => {
  const ns = await h.namespace();
  await h.cluster.request('POST', `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/roles`, {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] }],
  });
  const bindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings`;
  await h.cluster.request('POST', bindings, {
    metadata: { name: 'reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace: ns }],
  });
  await h.apply([deployment(ns, 'web', 1)]);
  const target = targetOf(deployment(ns, 'web'));
  const tenant = actingAs(h.target, serviceAccountUser(ns, 'tenant'));
  const result = await waitForHealth(tenant, [{ target }], {
    status: (objects) => h.pool.status(objects, { tenant: 'test' }),
    timeoutMs: 30_000,
    failFast: true,
    signal: AbortSignal.timeout(60_000),
  });
  assert.equal(result.healthy, true);
});

test('an aborted wait rejects with the reason', async () => {
  const ns = await h.namespace();
  const applied = await h.apply([deployment(ns, 'web', 1, IMAGES.failing)]);
  const stop = new AbortController();
  const waiting = health(applied, { signal: stop.signal });
  stop.abort(new Error('changed our mind'));
  await assert.rejects(waiting, /changed our mind/);
});

interface Watched {
  watch: DriftWatch;
  drifts: Drift[];
  track(applied: AppliedObject[]): Promise<void>;
  /** Resolves with the first drift of the object. */
  drift(name: string): Promise<Drift>;
}

function watchDrift(): Watched {
  const drifts: Drift[] = [];
  const watch = createDriftWatch(h.client, {
    owner: { group: GROUP, fieldManager: FIELD_MANAGER },
    rules: managerRules(FIELD_MANAGER),
    onError: (type, error) => assert.fail(`${type.kind}: ${error.message}`),
  });
  watch.onDrift((drift) => drifts.push(drift));
  return {
    watch,
    drifts,
    async track(applied) {
      const tracked = applied.map(async ({ object }) => {
        assert.ok(object);
        const type = await h.client.discovery.resourceForKind(object.apiVersion, object.kind);
        return { type, object, manifest: MANIFEST };
      });
      watch.track('flux/app', await Promise.all(tracked));
    },
    drift: (name) =>
      until(() => drifts.find(({ id }) => id.name === name), {
        timeoutMs: 10_000,
        message: `drift of ${name}`,
      }),
  };
}

test('edits, deletions and lost labels are noticed; status and strangers are not', async () => {
  const ns = await h.namespace();
  const names = ['edited', 'deleted', 'unlabelled', 'quiet'];
  const applied = await h.apply([
    ...names.map((name) => configMap(ns, name, { a: '1' })),
    deployment(ns, 'web', 1),
  ]);
  const w = watchDrift();
  try {
    await w.track(applied);
    assert.deepEqual(w.watch.size(), { objects: 5, kinds: 2 });
    const path = (name: string) => `/api/v1/namespaces/${ns}/configmaps/${name}`;
    await h.cluster.request('PATCH', path('quiet'), { metadata: { labels: { x: 'y' } } }, MERGE);
    await h.cluster.request('PATCH', path('edited'), { data: { a: '2' } }, MERGE);
    await h.cluster.request('DELETE', path('deleted'));
    const labels = { [`${GROUP}/name`]: null, [`${GROUP}/namespace`]: null };
    await h.cluster.request('PATCH', path('unlabelled'), { metadata: { labels } }, MERGE);
    assert.equal((await w.drift('edited')).what, 'changed');
    assert.equal((await w.drift('deleted')).what, 'gone');
    assert.equal((await w.drift('unlabelled')).what, 'gone');
    assert.deepEqual(
      w.drifts.filter(({ id }) => id.name === 'quiet' || id.name === 'web'),
      [],
    );
    assert.ok(w.drifts.every(({ owner }) => owner === 'flux/app'));
  } finally {
    await w.watch.close();
  }
});

test('our own writes are no drift, and what happens meanwhile is judged afterwards', async () => {
  const ns = await h.namespace();
  const w = watchDrift();
  try {
    await w.track(await h.apply([configMap(ns, 'a', { v: '1' }), configMap(ns, 'b', { v: '1' })]));
    w.watch.hold('flux/app');
    const again = await h.apply([configMap(ns, 'a', { v: '2' }), configMap(ns, 'b', { v: '2' })]);
    const path = `/api/v1/namespaces/${ns}/configmaps/b?fieldManager=kubectl-edit`;
    await h.cluster.request('PATCH', path, { data: { more: 'x' } }, MERGE);
    await w.track(again);
    const { what, managers } = await w.drift('b');
    assert.deepEqual([what, managers], ['changed', ['kubectl-edit']]);
    assert.equal(w.drifts.length, 1);
    w.watch.untrack('flux/app');
    assert.deepEqual(w.watch.size(), { objects: 0, kinds: 0 });
  } finally {
    await w.watch.close();
  }
});

test('a wait for what is watched anyway opens no watch of its own', async () => {
  const ns = await h.namespace();
  const w = watchDrift();
  const listWatch = () => assert.fail('a watch of its own');
  const wait = (applied: AppliedObject[], timeoutMs: number) =>
    waitForHealth({ client: { ...h.client, listWatch }, drift: w.watch }, applied.map(asTarget), {
      status: (objects) => h.pool.status(objects, { tenant: 'test' }),
      timeoutMs,
      failFast: true,
      signal: AbortSignal.timeout(60_000),
    });
  try {
    const applied = await h.apply([deployment(ns, 'web', 2), deployment(ns, 'gone', 1)]);
    await w.track(applied);
    await w.watch.settled('flux/app', AbortSignal.timeout(10_000));
    const { results } = await wait(applied, 30_000);
    for (const { target, resourceVersion } of results) {
      assert.ok(resourceVersion);
      w.watch.markHealthy(target, resourceVersion);
    }
    const isHealthy = () => applied.map(({ change }) => w.watch.isHealthy(change.id));
    assert.deepEqual(names(applied), ['gone', 'web']);
    assert.deepEqual(isHealthy(), [true, true]);

    await h.cluster.request('DELETE', `/apis/apps/v1/namespaces/${ns}/deployments/gone`);
    assert.equal((await w.drift('gone')).what, 'gone');
    assert.deepEqual(isHealthy(), [false, true]);
    const lost = await wait(applied.slice(0, 1).map(unread), 300);
    assert.equal(
      lost.healthy || lost.message,
      `timeout waiting for: [Deployment/${ns}/gone status: 'NotFound']`,
    );
  } finally {
    await w.watch.close();
  }
});

test('what an earlier process knew is intact once the watches have shown it', async () => {
  const ns = await h.namespace();
  const before = watchDrift();
  const applied = await h.apply(['same', 'edited', 'deleted'].map((name) => configMap(ns, name)));
  await before.track(applied);
  const known = before.watch.lastApplied('flux/app');
  await before.watch.close();
  assert.equal(known.length, 3);

  const path = (name: string) => `/api/v1/namespaces/${ns}/configmaps/${name}`;
  await h.cluster.request('PATCH', path('edited'), { data: { a: '2' } }, MERGE);
  await h.cluster.request('DELETE', path('deleted'));
  await h.cluster.request('PATCH', path('same'), { metadata: { labels: { x: 'y' } } }, MERGE);
  const now = watchDrift();
  const isIntact = (name: string) => {
    const id = { group: '', kind: 'ConfigMap', namespace: ns, name };
    return now.watch.intact(id, MANIFEST) !== undefined;
  };
  try {
    now.watch.resume('flux/app', known);
    assert.equal(isIntact('same'), false, 'nothing was seen yet');
    await now.watch.settled('flux/app', AbortSignal.timeout(10_000));
    assert.deepEqual(['same', 'edited', 'deleted'].map(isIntact), [true, false, false]);
    assert.equal(now.watch.allIntact('flux/app'), false);
    const id = { group: '', kind: 'ConfigMap', namespace: ns, name: 'same' };
    assert.equal(now.watch.intact(id, 'another manifest'), undefined);
  } finally {
    await now.watch.close();
  }
});

test('what is left to others is no drift, once they own it', async () => {
  const ns = await h.namespace();
  const w = watchDrift();
  const exempt = () => Promise.resolve(['/data/shared']);
  const desired = [configMap(ns, 'c', { own: '1', shared: '1' })];
  const run = async () => {
    const applied = await h.apply(desired, { exempt });
    await w.track(applied);
    return applied.map(({ change }) => change.action);
  };
  const change = (data: object) =>
    h.cluster.request('PATCH', `/api/v1/namespaces/${ns}/configmaps/c`, { data }, MERGE);
  const drifts = (count: number) =>
    until(() => w.drifts.length === count, { timeoutMs: 10_000, message: `${count} drifts` });
  try {
    assert.deepEqual(await run(), ['created']);
    await change({ shared: '2' });
    await drifts(1);
    assert.deepEqual(await run(), ['unchanged']);
    await change({ shared: '3' });
    // Only this change counts, and it comes after the other one.
    await change({ own: '2' });
    await drifts(2);
    assert.deepEqual(await run(), ['configured']);
    assert.deepEqual((await h.get('v1', 'ConfigMap', ns, 'c')).data, { own: '1', shared: '3' });
  } finally {
    await w.watch.close();
  }
});

test('an object that changes several times before it is applied again is one drift', async () => {
  const ns = await h.namespace();
  const w = watchDrift();
  const desired = ['a', 'last'].map((name) => configMap(ns, name, { v: '1' }));
  const patch = (name: string, body: object) =>
    h.cluster.request('PATCH', `/api/v1/namespaces/${ns}/configmaps/${name}`, body, MERGE);
  const drifts = () => w.drifts.filter(({ id }) => id.name === 'a').length;
  const changeAll = async () => {
    for (const v of ['2', '3', '4', '5']) await patch('a', { data: { v } });
    await patch('last', { data: { v: '2' } });
  };
  const seen = (count: number) =>
    until(() => w.drifts.filter(({ id }) => id.name === 'last').length === count, {
      timeoutMs: 10_000,
      message: `drift ${count} of what was changed last`,
    });
  try {
    await w.track(await h.apply(desired));
    await changeAll();
    await seen(1);
    assert.equal(drifts(), 1);
    await w.track(await h.apply(desired));
    await changeAll();
    await seen(2);
    assert.equal(drifts(), 2);
  } finally {
    await w.watch.close();
  }
});
