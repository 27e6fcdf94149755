import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCluster } from './cluster.ts';
import { openCluster } from './open.ts';

test('servers named in the environment are used, the others are started', async (t) => {
  const brought = await startCluster({ nodes: 0 });
  t.after(() => brought.close());

  const both = await openCluster({}, brought.env);
  t.after(() => both.close());
  assert.deepEqual(both.pids(), {});
  assert.deepEqual(both.env, brought.env);
  assert.equal(both.server, brought.server);
  assert.equal(both.ca, brought.ca);
  const found = await both.request<{ items: unknown[] }>('GET', '/api/v1/namespaces');
  assert.ok(found.items.length > 0);
  assert.ok(await both.kubeconfigFor('default/default'));
  await assert.rejects(both.restart('etcd'), /started without etcd/);

  const kubernetesOnly = await openCluster({}, { KUBECONFIG: brought.kubeconfig });
  t.after(() => kubernetesOnly.close());
  assert.deepEqual(Object.keys(kubernetesOnly.pids()), ['nats-server']);
  assert.notEqual(kubernetesOnly.natsUrl, brought.natsUrl);
});
