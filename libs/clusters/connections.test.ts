import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetCluster } from '@weir/apply';
import { createLogger } from '@weir/telemetry';
import { createConnections } from './connections.ts';
import { ClusterError } from './errors.ts';
import type { Source } from './read-secret.ts';

/** Credentials for a cluster; nothing connects to it, as nothing is asked of it. */
const sourceOf = (digest: string): Source => ({
  digest,
  resourceVersion: undefined,
  access: { server: 'https://192.0.2.1', insecure: false, credentials: {} },
});

function setup(max: number) {
  const events: string[] = [];
  let opened = 0;
  const connections = createConnections<TargetCluster>({
    ...{ max, concurrency: 1, environment: {}, userAgent: 'test' },
    addresses: { allowLocal: false },
    log: createLogger({ service: 'test', level: 'silent' }),
    open: () => {
      const number = ++opened;
      events.push(`open ${number}`);
      const close = async () => void events.push(`close ${number}`);
      return { cluster: {} as TargetCluster, close };
    },
  });
  return { connections, events };
}

test('objects with the same credentials share a connection, and the last one to leave closes it', async () => {
  const { connections, events } = setup(4);
  const first = connections.retain(sourceOf('a'), 'apps', 'apps/one');
  assert.equal(connections.retain(sourceOf('a'), 'apps', 'apps/two'), first);
  connections.release(first, 'apps/one');
  assert.equal(connections.size(), 1);
  connections.release(first, 'apps/two');
  assert.equal(connections.size(), 0);
  const anew = connections.retain(sourceOf('a'), 'apps', 'apps/one');
  assert.notEqual(anew, first);
  await connections.close();
  assert.deepEqual(events.toSorted(), ['close 1', 'close 2', 'open 1', 'open 2']);
});

test('no namespace takes all the clusters that a service connects to, and none is connected beyond the most', async () => {
  const { connections } = setup(8);
  const connect = (namespace: string, name: string) =>
    connections.retain(sourceOf(`${namespace}/${name}`), namespace, `${namespace}/${name}`);
  const fill = (namespace: string) => {
    for (let count = 0; ; count++) {
      try {
        connect(namespace, `${count}`);
      } catch (error) {
        assert.ok(error instanceof ClusterError);
        assert.match(error.message, /--max-remote-clusters=8 allows no more$/);
        return count;
      }
    }
  };
  assert.equal(fill('greedy'), 6);
  assert.doesNotThrow(() => connect('modest', 'first'));
  fill('modest');
  assert.ok(connections.size() <= 8);
  await connections.close();
});
