import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startCluster } from './cluster.ts';

async function withConnection<T>(
  servers: string,
  use: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

async function messages(url: string): Promise<number> {
  return withConnection(url, async (connection) => {
    const manager = await jetstreamManager(connection);
    for await (const { config, state } of manager.streams.list()) {
      if (config.name === 'things') return state.messages;
    }
    return -1;
  });
}

test('nats-server keeps its streams over a restart, unless they are wiped', async (t) => {
  const cluster = await startCluster({ nodes: 0, controllerManager: false });
  t.after(() => cluster.close());
  await withConnection(cluster.natsUrl, async (connection) => {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'things', subjects: ['things.*'] });
    await jetstream(connection).publish('things.one', 'hello');
  });
  await cluster.restart('nats-server');
  assert.equal(await messages(cluster.natsUrl), 1);
  await cluster.restart('nats-server', { signal: 'SIGKILL' });
  assert.equal(await messages(cluster.natsUrl), 1);
  await cluster.restart('nats-server', { wipe: true });
  assert.equal(await messages(cluster.natsUrl), -1);
  await assert.rejects(cluster.restart('etcd', { wipe: true }), /wipe is for nats-server only/);
  await assert.rejects(cluster.start('kwok'), /started without kwok/);
});

test('two clusters run side by side', async (t) => {
  const options = { nodes: 0, controllerManager: false };
  const clusters = await Promise.all([startCluster(options), startCluster(options)]);
  t.after(() => Promise.all(clusters.map((cluster) => cluster.close())));
  const [first, second] = clusters;
  const configMaps = '/api/v1/namespaces/default/configmaps';
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine' } };
  await first.request('POST', configMaps, object);
  await assert.rejects(second.request('GET', `${configMaps}/mine`), { status: 404 });
  assert.notEqual(first.natsUrl, second.natsUrl);
});
