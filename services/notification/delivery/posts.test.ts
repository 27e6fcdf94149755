import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { BusUnavailable } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { createPosts } from './posts.ts';

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  return { nats, bus, posts: createPosts(bus) };
}

it('remembers what was put, for other replicas and after a restart too', async (t) => {
  const { bus, posts } = await setup(t);
  const kept = posts.at('apps', 'alert/Kustomization/apps/web');
  assert.equal(await kept.get(), undefined);
  await kept.put({ id: '1' });
  await kept.put({ id: '2' });
  assert.deepEqual(await kept.get(), { id: '2' });
  const other = createPosts(bus);
  assert.deepEqual(await other.at('apps', 'alert/Kustomization/apps/web').get(), { id: '2' });
  await other.at('apps', 'alert/Kustomization/apps/web').put({ id: '3' });
  assert.deepEqual(await kept.get(), { id: '3' }, 'the newer one of another replica counts');
  assert.equal(await posts.at('infra', 'alert/Kustomization/apps/web').get(), undefined);
});

it('lets no namespace push out what others keep', async (t) => {
  const { bus, posts } = await setup(t);
  await posts.at('apps', 'victim').put({ id: 'kept' });
  const keys = Array.from({ length: 6_000 }, (_, index) => `hostile-${index}`);
  for (let start = 0; start < keys.length; start += 500) {
    const some = keys.slice(start, start + 500);
    await Promise.all(some.map((key) => posts.at('hostile', key).put({ id: key })));
  }
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const { messages } = (await manager.streams.info('weir-posts')).state;
  assert.ok(messages <= 4_096 + 1, `${messages} messages`);
  assert.deepEqual(await createPosts(bus).at('apps', 'victim').get(), { id: 'kept' });
});

it('does not take what is no entry, or that of another key in the same place', async (t) => {
  const { bus, posts } = await setup(t);
  await posts.at('apps', 'a').put({ id: '1' });
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const stored = await manager.streams.getMessage('weir-posts', { seq: 1 });
  const subject = stored?.subject ?? assert.fail('nothing is stored');
  for (const text of ['{', 'null', '[]', '{"key":"b","value":{}}', '{"key":"a","value":7}']) {
    await (await bus.jetstream()).publish(subject, text);
    assert.equal(await createPosts(bus).at('apps', 'a').get(), undefined, text);
  }
});

it('goes by what it could not store while NATS is away', async (t) => {
  const { nats, bus, posts } = await setup(t);
  await nats.stop();
  await until(() => !bus.connected(), { timeoutMs: 20_000, message: 'NATS to be gone' });
  const kept = posts.at('apps', 'a');
  await assert.rejects(kept.put({ id: '1' }), BusUnavailable);
  assert.deepEqual(await kept.get(), { id: '1' });
  await nats.start();
  await bus.available(AbortSignal.timeout(20_000));
  await kept.put({ id: '1' });
  assert.deepEqual(await createPosts(bus).at('apps', 'a').get(), { id: '1' });
});
