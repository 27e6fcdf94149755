// The wait for health: how it fails, and what ends it early.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findCondition, HEALTHY, READY } from '@weir/api';
import {
  configMap,
  deployment,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';
import { deleteKustomization, eventLike, timeoutMs } from './testing/observe.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

test('a health check fails with Flux words, and recovers', async () => {
  const ns = await h.namespace();
  const web = deployment(ns, 'web', { replicas: 1 });
  await h.publish(ns, { 'a.yaml': manifests(web, configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { wait: true, retryInterval: '1s' });
  const path = `/apis/apps/v1/namespaces/${ns}/deployments/web/status`;
  const status = (body: object) => h.cluster.request('PATCH', path, { status: body }, MERGE);
  await until(
    async () => {
      const { status } = await h.read(ns, 'app');
      return findCondition(status?.conditions, HEALTHY)?.status === 'Unknown';
    },
    { timeoutMs, message: 'the wait to show' },
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
  await eventLike(h, ns, /^Health check passed in /);
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
      { timeoutMs, message: `${name} to wait` },
    );
  await h.kustomization(ns, 'app', { wait: true, timeout: '10m' });
  await waits('app');
  const changed = await h.kustomization(ns, 'app', { wait: false, timeout: '10m' });
  const ready = await h.ready(ns, 'app', 'True');
  assert.equal(ready.status?.observedGeneration, changed.metadata.generation);
  assert.equal(findCondition(ready.status?.conditions, HEALTHY), undefined);

  await h.kustomization(ns, 'app', { wait: true, timeout: '10m' });
  await waits('app');
  await deleteKustomization(h, ns);
});
