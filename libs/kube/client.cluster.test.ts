import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, startCluster, until } from '@weir/cluster';
import {
  ApiError,
  ConfigMap,
  connectKube,
  Deployment,
  isAlreadyExists,
  isConflict,
  isGone,
  isImmutable,
  isInvalid,
  isNotFound,
  type KubeClient,
  type KubeObject,
  Namespace,
  objectKey,
} from './index.ts';

let cluster: Cluster;
let client: KubeClient;
before(async () => {
  cluster = await startCluster({
    nodes: 0,
    nats: false,
    controllerManager: false,
    apiserverFlags: ['--etcd-compaction-interval=1s'],
  });
  client = connectKube({ kubeconfig: cluster.kubeconfig });
});
after(async () => {
  await client?.close();
  await cluster?.close();
});

function configMap(name: string, data: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data,
  };
}

function deployment(name: string, app = name): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: { containers: [{ name: 'main', image: 'example/app:1' }] },
      },
    },
  };
}

function ref(name: string) {
  return { namespace: 'default', name };
}

describe('objects', () => {
  it('are created, read, replaced and deleted', async () => {
    const created = await client.create(ConfigMap, configMap('crud', { a: '1' }));
    assert.ok(created.metadata.uid);
    await assert.rejects(client.create(ConfigMap, configMap('crud')), isAlreadyExists);
    const replaced = await client.replace(ConfigMap, { ...created, data: { a: '2' } });
    assert.notEqual(replaced.metadata.resourceVersion, created.metadata.resourceVersion);
    await assert.rejects(client.replace(ConfigMap, { ...created, data: { a: '3' } }), isConflict);
    assert.deepEqual((await client.get(ConfigMap, ref('crud'))).data, { a: '2' });
    await client.delete(ConfigMap, ref('crud'));
    await assert.rejects(client.get(ConfigMap, ref('crud')), (error) => {
      assert.ok(isNotFound(error) && error instanceof ApiError);
      assert.equal(error.message, 'configmaps "crud" not found');
      assert.equal(error.details?.name, 'crud');
      return true;
    });
  });

  it('are patched', async () => {
    await client.create(ConfigMap, configMap('patched', { a: '1', b: '2' }));
    const merged = await client.patch(
      ConfigMap,
      ref('patched'),
      { data: { a: null, c: '3' } },
      { kind: 'merge' },
    );
    assert.deepEqual(merged.data, { b: '2', c: '3' });
    const patched = await client.patch(
      ConfigMap,
      ref('patched'),
      [{ op: 'replace', path: '/data/b', value: 'x' }],
      { kind: 'json' },
    );
    assert.deepEqual(patched.data, { b: 'x', c: '3' });
  });

  it('that are wrong come back with what is wrong', async () => {
    const wrong = deployment('wrong');
    wrong.spec = { selector: {}, template: {} };
    await assert.rejects(client.create(Deployment, wrong), (error) => {
      assert.ok(error instanceof ApiError && isInvalid(error) && !isImmutable(error));
      assert.ok(
        error.details?.causes?.some(({ field }) => field === 'spec.template.spec.containers'),
      );
      return true;
    });
    await client.create(Deployment, deployment('fixed'));
    await assert.rejects(
      client.apply(Deployment, deployment('fixed', 'other'), { fieldManager: 'm', force: true }),
      isImmutable,
    );
  });

  it('need a namespace and a name in their path', async () => {
    const nowhere = { ...configMap('x'), metadata: { name: 'x' } };
    await assert.rejects(client.apply(ConfigMap, nowhere, { fieldManager: 'm' }), TypeError);
    await assert.rejects(client.get(Namespace, { name: '' }), TypeError);
  });
});

describe('server-side apply', () => {
  it('defends the fields of a manager unless forced', async () => {
    await client.apply(ConfigMap, configMap('applied', { a: '1' }), { fieldManager: 'one' });
    const other = configMap('applied', { a: '2' });
    await assert.rejects(
      client.apply(ConfigMap, other, { fieldManager: 'two' }),
      (error) => isConflict(error) && /conflict with "one"/.test(String(error)),
    );
    const forced = await client.apply(ConfigMap, other, { fieldManager: 'two', force: true });
    assert.deepEqual(forced.data, { a: '2' });
    assert.deepEqual(
      forced.metadata.managedFields?.map(({ manager, operation }) => [manager, operation]),
      [['two', 'Apply']],
    );
  });

  it('of what is there already changes nothing', async () => {
    const options = { fieldManager: 'one' };
    const first = await client.apply(ConfigMap, configMap('same', { a: '1' }), options);
    const second = await client.apply(ConfigMap, configMap('same', { a: '1' }), options);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  });

  it('as a dry run leaves nothing behind', async () => {
    const options = { fieldManager: 'one', dryRun: true };
    const dry = await client.apply(ConfigMap, configMap('dry', { a: '1' }), options);
    assert.deepEqual(dry.data, { a: '1' });
    await assert.rejects(client.get(ConfigMap, ref('dry')), isNotFound);
    await client.create(ConfigMap, configMap('dry'), { dryRun: true });
    await assert.rejects(client.get(ConfigMap, ref('dry')), isNotFound);
  });

  it('of the status leaves the rest alone', async () => {
    await client.create(Deployment, deployment('status'));
    const written = await client.patch(
      Deployment,
      ref('status'),
      { spec: { replicas: 9 }, status: { observedGeneration: 1 } },
      { kind: 'merge', subresource: 'status', fieldManager: 'one' },
    );
    assert.deepEqual(written.status, { observedGeneration: 1 });
    assert.equal((written.spec as { replicas: number }).replicas, 0);
    const applied = await client.apply(
      Deployment,
      { ...deployment('status'), status: { replicas: 3 } },
      { fieldManager: 'two', subresource: 'status', force: true },
    );
    assert.equal((applied.status as { replicas: number }).replicas, 3);
  });
});

it('deletes only the object that was meant', async () => {
  const { metadata } = await client.create(ConfigMap, configMap('meant'));
  assert.ok(metadata.uid && metadata.resourceVersion);
  await client.patch(ConfigMap, ref('meant'), { data: { a: '1' } }, { kind: 'merge' });
  const stale = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
  await assert.rejects(client.delete(ConfigMap, ref('meant'), stale), isConflict);
  await assert.rejects(
    client.delete(ConfigMap, ref('meant'), { uid: '00000000-0000-0000-0000-000000000000' }),
    isConflict,
  );
  await client.delete(ConfigMap, ref('meant'), { uid: metadata.uid });
  await assert.rejects(client.get(ConfigMap, ref('meant')), isNotFound);
});

describe('lists', () => {
  const COUNT = 120;
  before(async () => {
    await client.create(Namespace, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'many' },
    });
    await Promise.all(
      Array.from({ length: COUNT }, (_, i) => {
        const object = configMap(`item-${i}`, { i: String(i) });
        const labels = { parity: i % 2 === 0 ? 'even' : 'odd' };
        return client.create(ConfigMap, {
          ...object,
          metadata: { ...object.metadata, namespace: 'many', labels },
        });
      }),
    );
  });

  it('are whole, however small the pages', async () => {
    const { items, resourceVersion } = await client.list(ConfigMap, {
      namespace: 'many',
      pageSize: 50,
    });
    assert.equal(new Set(items.map(objectKey)).size, COUNT);
    assert.ok(items.every(({ kind, apiVersion }) => kind === 'ConfigMap' && apiVersion === 'v1'));
    assert.match(resourceVersion, /^\d+$/);
  });

  it('select by label and field, and may leave the content out', async () => {
    const even = await client.list(ConfigMap, { labelSelector: 'parity=even', metadataOnly: true });
    assert.equal(even.items.length, COUNT / 2);
    const [item] = even.items;
    assert.equal(item?.kind, 'ConfigMap');
    assert.equal(item?.data, undefined);
    const one = await client.list(ConfigMap, { fieldSelector: 'metadata.name=item-7' });
    assert.deepEqual(one.items.map(objectKey), ['many/item-7']);
    const only = await client.get(
      ConfigMap,
      { namespace: 'many', name: 'item-7' },
      { metadataOnly: true },
    );
    assert.equal(only.kind, 'ConfigMap');
    assert.equal(only.data, undefined);
  });

  it('that a slow reader leaves open expire as a Gone', async () => {
    const query = { limit: 10 };
    const path = '/api/v1/namespaces/many/configmaps';
    const page = await client.request<{ metadata: { continue: string } }>({
      method: 'GET',
      path,
      query,
    });
    const token = page.metadata.continue;
    const ask = () =>
      client.request({ method: 'GET', path, query: { ...query, continue: token } }).then(
        () => undefined,
        (error: unknown) => error,
      );
    // Compaction runs each second here, and drops the versions from before the previous compaction.
    const error = await until(
      async () => {
        await client.patch(
          ConfigMap,
          { namespace: 'many', name: 'item-0' },
          { data: { now: String(Date.now()) } },
          { kind: 'merge' },
        );
        return ask();
      },
      { timeoutMs: 20_000, message: 'the continue token to expire' },
    );
    assert.ok(isGone(error), String(error));
  });
});

describe('a listWatch', () => {
  it('reports changes, with the content or without', async () => {
    const stop = new AbortController();
    const full: string[] = [];
    const metadata: string[] = [];
    const watch = async (events: string[], metadataOnly: boolean) => {
      const selection = { labelSelector: 'watched=yes', metadataOnly, signal: stop.signal };
      for await (const event of client.listWatch(ConfigMap, selection)) {
        if (event.type === 'error') throw event.error;
        if (event.type === 'synced') events.push('synced');
        else if (event.type === 'deleted') return events.push(`deleted ${event.object.kind}`);
        else events.push(`${event.type} ${event.object.kind} ${JSON.stringify(event.object.data)}`);
      }
    };
    const watching = Promise.all([watch(full, false), watch(metadata, true)]);
    await until(() => full.length > 0 && metadata.length > 0, {
      timeoutMs: 10_000,
      message: 'both lists',
    });
    const labelled = (value: string, watched: string) => {
      const object = configMap('watched', { a: value });
      return { ...object, metadata: { ...object.metadata, labels: { watched } } };
    };
    await client.apply(ConfigMap, labelled('1', 'yes'), { fieldManager: 'm' });
    await client.apply(ConfigMap, labelled('2', 'yes'), { fieldManager: 'm' });
    // The object no longer matches the selector, which a watch with that selector reports as a deletion.
    await client.apply(ConfigMap, labelled('2', 'no'), { fieldManager: 'm' });
    await watching;
    assert.deepEqual(full, [
      'synced',
      'added ConfigMap {"a":"1"}',
      'modified ConfigMap {"a":"2"}',
      'deleted ConfigMap',
    ]);
    assert.deepEqual(metadata, [
      'synced',
      'added ConfigMap undefined',
      'modified ConfigMap undefined',
      'deleted ConfigMap',
    ]);
    stop.abort();
  });
});

it('does nothing any more once closed', async () => {
  const short = connectKube({ kubeconfig: cluster.kubeconfig });
  const events: string[] = [];
  const { signal } = new AbortController();
  const watching = (async () => {
    for await (const event of short.listWatch(Namespace, { signal })) events.push(event.type);
  })();
  await until(() => events.includes('synced'), { timeoutMs: 10_000, message: 'the list' });
  await short.close();
  await watching;
  await assert.rejects(short.list(Namespace), /the Kubernetes client is closed/);
});
