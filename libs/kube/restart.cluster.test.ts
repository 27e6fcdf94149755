import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it, type TestContext } from 'node:test';
import { type Cluster, proxyTo, startCluster, type TcpProxy, until } from '@weir/cluster';
import {
  ConfigMap,
  connectKube,
  isUnavailable,
  type KubeClient,
  type KubeObject,
  type ListWatchEvent,
} from './index.ts';
import { variantOf } from './testing/kubeconfig.ts';

let cluster: Cluster;
let client: KubeClient;
let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'weir-kube-'));
  cluster = await startCluster({ nodes: 0, nats: false, controllerManager: false });
  client = connectKube({ kubeconfig: cluster.kubeconfig });
});
after(async () => {
  await client?.close();
  await cluster?.close();
  await rm(dir, { recursive: true });
});

function write(name: string, value: string): Promise<KubeObject> {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', labels: { watched: 'yes' } },
    data: { value },
  };
  return client.apply(ConfigMap, object, { fieldManager: 'test' });
}

/** A consumer that knows only what the events of its listWatch said. */
interface Follower {
  state(): Record<string, string>;
  events: ListWatchEvent<KubeObject>[];
  count(type: ListWatchEvent<KubeObject>['type']): number;
}

/** Watches the ConfigMaps through a proxy, and fails the test when an event is inconsistent with those before it. */
async function follow(t: TestContext): Promise<Follower & { proxy: TcpProxy }> {
  const proxy = await proxyTo(Number(new URL(cluster.server).port));
  const kubeconfig = await variantOf(cluster.kubeconfig, join(dir, `proxy-${proxy.port}`), {
    cluster: { server: `https://127.0.0.1:${proxy.port}` },
  });
  const watcher = connectKube({ kubeconfig });
  const held = new Map<string, string>();
  const events: ListWatchEvent<KubeObject>[] = [];
  const stop = new AbortController();
  const following = (async () => {
    const selection = { labelSelector: 'watched=yes', signal: stop.signal };
    for await (const event of watcher.listWatch(ConfigMap, selection)) {
      events.push(event);
      if (!('object' in event)) continue;
      const { name } = event.object.metadata;
      assert.equal(held.has(name), event.type !== 'added', `${event.type} ${name}`);
      if (event.type === 'deleted') held.delete(name);
      else held.set(name, (event.object.data as { value: string }).value);
    }
  })();
  t.after(async () => {
    stop.abort();
    await following;
    await watcher.close();
    await proxy.close();
  });
  const count: Follower['count'] = (type) => events.filter((event) => event.type === type).length;
  await until(() => count('synced') === 1, { timeoutMs: 10_000, message: 'the first list' });
  return { proxy, events, count, state: () => Object.fromEntries(held) };
}

async function reaches(follower: Follower, state: Record<string, string>, timeoutMs: number) {
  await until(
    () => {
      assert.deepEqual(follower.state(), state);
      return true;
    },
    { timeoutMs, message: 'the follower to know it all' },
  );
}

it('a watch whose connection broke goes on where it was', async (t) => {
  await write('a', '1');
  const follower = await follow(t);
  follower.proxy.cut();
  await write('a', '2');
  await write('b', '1');
  await reaches(follower, { a: '2', b: '1' }, 5_000);
  assert.equal(follower.count('synced'), 1, 'without another list');
});

it('a network that swallows everything is noticed within seconds', async (t) => {
  const follower = await follow(t);
  // A connection that is still being made is given more time than an open one, so the watch has to be open first.
  await write('a', '2b');
  await reaches(follower, { a: '2b', b: '1' }, 5_000);
  follower.proxy.freeze();
  const frozenAt = performance.now();
  await write('a', '3');
  await client.delete(ConfigMap, { namespace: 'default', name: 'b' });
  await until(() => follower.count('error') > 0, { timeoutMs: 15_000, message: 'an error' });
  const noticedMs = performance.now() - frozenAt;
  assert.ok(noticedMs < 8_000, `noticed after ${noticedMs} ms`);
  follower.proxy.thaw();
  await reaches(follower, { a: '3' }, 10_000);
});

it('an API server that crashed is back for watches soon after it is back', async (t) => {
  await write('doomed', '1');
  const follower = await follow(t);
  // The watch is interrupted and the server forgets old versions: the changes made meanwhile can't be replayed.
  follower.proxy.freeze();
  await client.delete(ConfigMap, { namespace: 'default', name: 'doomed' });
  await write('a', '4');
  await cluster.stop('kube-apiserver', { signal: 'SIGKILL' });
  await assert.rejects(client.list(ConfigMap, { timeoutMs: 500 }), isUnavailable);
  follower.proxy.thaw();
  await cluster.start('kube-apiserver');
  const backAt = performance.now();
  await reaches(follower, { a: '4' }, 10_000);
  const tookMs = performance.now() - backAt;
  assert.ok(tookMs < 5_000, `${tookMs} ms after the server was ready`);
  assert.ok(follower.count('error') > 0);
  await write('new', '1');
  await reaches(follower, { a: '4', new: '1' }, 5_000);
});

it('calls fail as unavailable while the server restarts, and work again after it', async () => {
  await cluster.stop('kube-apiserver');
  const started = cluster.start('kube-apiserver');
  const deadline = performance.now() + 30_000;
  let object: KubeObject | undefined;
  while (object === undefined && performance.now() < deadline) {
    object = await write('waited', '1').catch((error: unknown) => {
      assert.ok(isUnavailable(error), String(error));
      return undefined;
    });
  }
  await started;
  assert.equal(object?.metadata.name, 'waited');
});
