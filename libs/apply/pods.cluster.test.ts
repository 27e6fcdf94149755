// What a StatefulSet's status says about its failed pods, against a real API server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IMAGES } from '@weir/cluster';
import { type KubeObject, Pod, serviceAccountUser } from '@weir/kube';
import { actingAs, type TargetCluster } from './cluster.ts';
import { waitForHealth } from './health.ts';
import type { Health, HealthOptions } from './health-types.ts';
import { targetOf } from './objects.ts';
import { deployment, type Harness, startHarness, until } from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness({ nodes: 1 });
});
after(() => h?.close());

function statefulSet(namespace: string): KubeObject {
  const { metadata, spec } = deployment(namespace, 'db', 1, IMAGES.failing);
  const { progressDeadlineSeconds: _none, ...shared } = spec;
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: { ...shared, serviceName: 'db' },
  } as KubeObject;
}

/** Waits for the StatefulSet, applied as it is, while its only pod begins to crash again and again. */
async function waitWhilePodCrashes(
  ns: string,
  options: Partial<HealthOptions> = {},
  target: TargetCluster = h.target,
): Promise<Health> {
  const [applied] = await h.apply([statefulSet(ns)]);
  assert.ok(applied?.object);
  const waiting = waitForHealth(target, [{ target: targetOf(applied.object) }], {
    status: (objects) => h.pool.status(objects, { tenant: 'test' }),
    timeoutMs: 30_000,
    failFast: true,
    signal: AbortSignal.timeout(60_000),
    ...options,
  });
  const ref = { namespace: ns, name: 'db-0' };
  await until(async () => (await h.client.get<RunningPod>(Pod, ref)).status?.containerStatuses, {
    timeoutMs: 20_000,
    message: 'the pod to be on its node',
  });
  const crashing = { waiting: { reason: 'CrashLoopBackOff' } };
  const container = { name: 'c', image: '', imageID: '', ready: false, restartCount: 9 };
  const status = { phase: 'Running', containerStatuses: [{ ...container, state: crashing }] };
  const how = { kind: 'merge', subresource: 'status', fieldManager: 'kubelet' } as const;
  await h.client.patch(Pod, ref, { status }, how);
  return waiting;
}

interface RunningPod extends KubeObject {
  status?: { containerStatuses?: unknown[] };
}

test('a pod that crashes again and again fails its StatefulSet', async () => {
  const ns = await h.namespace();
  const result = await waitWhilePodCrashes(ns);
  assert.equal(
    result.healthy || result.message,
    `failed early due to stalled resources: [StatefulSet/${ns}/db status: 'Failed']`,
  );
});

test('expressions for a kind are all that counts for it', async () => {
  const ns = await h.namespace();
  const checks = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', current: 'false' }];
  const result = await waitWhilePodCrashes(ns, {
    status: (objects) => h.pool.status(objects, { tenant: 'test', checks }),
    expressed: new Set(['apps/StatefulSet']),
    timeoutMs: 3_000,
  });
  assert.equal(
    result.healthy || result.message,
    `timeout waiting for: [StatefulSet/${ns}/db status: 'InProgress']`,
  );
});

test('an account that may not read pods goes by the StatefulSet alone', async () => {
  const ns = await h.namespace();
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
  await h.cluster.request('POST', `${rbac}/roles`, {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: ['apps'], resources: ['statefulsets'], verbs: ['get', 'list', 'watch'] }],
  });
  await h.cluster.request('POST', `${rbac}/rolebindings`, {
    metadata: { name: 'reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace: ns }],
  });
  const tenant = actingAs(h.target, serviceAccountUser(ns, 'tenant'));
  const result = await waitWhilePodCrashes(ns, { timeoutMs: 3_000 }, tenant);
  assert.equal(
    result.healthy || result.message,
    `timeout waiting for: [StatefulSet/${ns}/db status: 'InProgress']`,
  );
});
