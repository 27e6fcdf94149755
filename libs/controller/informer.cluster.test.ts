import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, until } from '@weir/cluster';
import { ConfigMap, type KubeClient, type KubeObject } from '@weir/kube';
import { type Change, createInformer, indexBy } from './informer.ts';
import { configMap, connect, log, makeNamespace, startApiServer } from './testing/cluster.ts';

const WAIT = { timeoutMs: 10_000, intervalMs: 10 };
type Data = KubeObject & { data: { value: string } };

describe('an informer', () => {
  let cluster: Cluster;
  let client: KubeClient;
  let namespaces = 0;

  before(async () => {
    cluster = await startApiServer();
    client = connect(cluster);
  });
  after(async () => {
    await client?.close();
    await cluster?.close();
  });

  async function setUp(t: { after(end: () => void): void }, options: { metadataOnly?: true } = {}) {
    namespaces += 1;
    const namespace = await makeNamespace(client, `informer-${namespaces}`);
    const create = (name: string, value: string) =>
      client.create(ConfigMap, configMap(namespace, name, value));
    const set = (name: string, value: string) =>
      client.patch<Data>(ConfigMap, { namespace, name }, { data: { value } }, { kind: 'merge' });
    await create('first', 'one');
    const informer = createInformer<Data>(client, ConfigMap, { namespace, log, ...options });
    t.after(informer.close);
    const changes: Change<Data>[] = [];
    informer.onChange((change) => changes.push(change));
    return { namespace, create, set, informer, changes };
  }

  it('has all objects, follows their changes, and reports these in order', async (t) => {
    const { namespace, create, set, informer, changes } = await setUp(t);
    assert.equal(informer.hasSynced(), false);
    await informer.synced();
    assert.equal(informer.get(`${namespace}/first`)?.data.value, 'one');
    await create('second', 'one');
    await set('second', 'two');
    await client.delete(ConfigMap, { namespace, name: 'first' });
    await until(() => informer.list().length === 1 && changes.length === 4, {
      ...WAIT,
      message: 'all changes',
    });
    assert.deepEqual(
      changes.map(({ type, object }) => `${type} ${object.metadata.name}`),
      ['added first', 'added second', 'modified second', 'deleted first'],
    );
    assert.equal(changes[2]?.previous?.data.value, 'one');
  });

  it('stores what was just written, and ignores older events', async (t) => {
    const { namespace, set, informer, changes } = await setUp(t);
    await informer.synced();
    const key = `${namespace}/first`;
    const older = informer.get(key);
    const newer = await set('first', 'two');
    informer.observe(newer);
    assert.equal(informer.get(key)?.data.value, 'two');
    assert.ok(older);
    informer.observe(older);
    assert.equal(informer.get(key)?.data.value, 'two');
    const last = await set('first', 'three');
    await until(() => informer.get(key)?.data.value === 'three', { ...WAIT, message: 'the watch' });
    informer.observe(last);
    const versions = changes.map(({ object }) => object.data.value);
    assert.deepEqual(versions, ['one', 'two', 'three'], 'each version is reported once');
  });

  it('does not bring a deleted object back', async (t) => {
    const { namespace, set, informer } = await setUp(t);
    await informer.synced();
    const late = await set('first', 'two');
    await client.delete(ConfigMap, { namespace, name: 'first' });
    await until(() => informer.list().length === 0, { ...WAIT, message: 'the deletion' });
    informer.observe(late);
    assert.deepEqual(informer.list(), []);
  });

  it('keeps an index current', async (t) => {
    const { namespace, create, set, informer } = await setUp(t);
    await informer.synced();
    const byValue = indexBy(informer, ({ data }) => [data.value]);
    const names = (value: string) => byValue.get(value).map(({ metadata }) => metadata.name);
    assert.deepEqual(names('one'), ['first']);
    await create('second', 'one');
    await until(() => names('one').length === 2, { ...WAIT, message: 'the second' });
    await set('first', 'two');
    await until(() => names('two').length === 1, { ...WAIT, message: 'the change' });
    assert.deepEqual(names('one'), ['second']);
    await client.delete(ConfigMap, { namespace, name: 'second' });
    await until(() => names('one').length === 0, { ...WAIT, message: 'the deletion' });
    byValue.close();
  });

  it('can do without all but metadata', async (t) => {
    const { namespace, informer } = await setUp(t, { metadataOnly: true });
    await informer.synced();
    const object: KubeObject | undefined = informer.get(`${namespace}/first`);
    assert.equal(object?.metadata.name, 'first');
    assert.equal(object?.data, undefined);
  });

  it('goes on calling the other subscribers when one throws', async (t) => {
    const { create, informer, changes } = await setUp(t);
    informer.onChange(() => {
      throw new Error('a reader with a bug');
    });
    const after: string[] = [];
    informer.onChange(({ object }) => after.push(object.metadata.name));
    await informer.synced();
    await create('second', 'one');
    await until(() => after.length === 2, { ...WAIT, message: 'the reader behind it' });
    assert.equal(changes.length, 2);
  });

  it('says so when it is closed before it has synced', async () => {
    const informer = createInformer(client, ConfigMap, { namespace: 'none', log });
    informer.close();
    await assert.rejects(informer.synced(), /closed/);
  });
});
