import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { orAborted } from '@weir/async';
import { proxyTo, until } from '@weir/cluster';
import { type Bus, BusUnavailable } from './bus.ts';
import { startNats, testBus } from './testing/index.ts';
import { type Head, openQueue, QueueFull, type WorkQueue } from './workqueue.ts';

const soon = (message: string) => ({ timeoutMs: 20_000, intervalMs: 10, message });
const ALL = 'weir.delivery.test.>';

const subjectOf = (tenant: string, name = 'app') => `weir.delivery.test.${tenant}.${name}`;

const itemOf = (subject: string, id: string) => ({
  subject,
  id,
  type: 'weir.delivery',
  source: '/test',
  data: { id },
});

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const open = (of: Bus) => openQueue({ bus: of, stream: 'weir-deliveries', log: bus.log });
  return { nats, bus, open, queue: open(bus) };
}

/** All heads that a queue has had so far. */
function follow(t: TestContext, queue: WorkQueue, filter = ALL): Head[] {
  const stop = new AbortController();
  const seen: Head[] = [];
  const reading = (async () => {
    for await (const head of queue.heads(filter, stop.signal)) seen.push(head);
  })();
  t.after(async () => {
    stop.abort();
    await reading;
  });
  return seen;
}

it('keeps a message until it is removed, for every reader, in its order', async (t) => {
  const { bus, open, queue, nats } = await setup(t);
  for (const id of ['1', '2', '3']) await queue.publish(itemOf(subjectOf('a'), id));
  await queue.publish(itemOf(subjectOf('a'), '3'));
  const seen = follow(t, queue);
  await until(() => seen.length === 3, soon('three heads'));
  const [first, second] = seen;
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual((await queue.get(first))?.event?.data, { id: '1' });
  await queue.remove(first);
  await queue.remove(first);
  assert.equal(await queue.get(first), undefined);
  await nats.restart({ signal: 'SIGKILL' });
  await until(() => bus.connected(), soon('the connection'));
  const other = await testBus(t, nats.url);
  await other.ready;
  const again = follow(t, open(other));
  await until(() => again.length === 2, soon('what is left'));
  assert.equal(again[0]?.sequence, second.sequence);
});

it('goes on with what comes after NATS was away, and with a stream made anew', async (t) => {
  const { bus, queue, nats } = await setup(t);
  const seen = follow(t, queue);
  await queue.publish(itemOf(subjectOf('a'), '1'));
  await until(() => seen.length === 1, soon('the first'));
  const [stale] = seen;
  await nats.restart({ wipe: true });
  await until(() => bus.connected(), soon('the connection'));
  await queue.publish(itemOf(subjectOf('b'), '2'));
  await until(() => seen.length === 2, soon('the second'));
  assert.ok(stale !== undefined);
  assert.equal(stale.sequence, seen[1]?.sequence);
  assert.equal(await queue.get(stale), undefined, 'the sequence is that of another message by now');
});

it('counts, reads and removes the oldest of one tenant', async (t) => {
  const { queue } = await setup(t);
  for (let i = 0; i < 700; i++)
    await queue.publish(itemOf(subjectOf('loud', `app${i % 2}`), `${i}`));
  await queue.publish(itemOf(subjectOf('calm'), 'calm'));
  const loud = 'weir.delivery.test.loud.>';
  assert.deepEqual([...(await queue.counts(loud)).values()], [350, 350]);
  const oldest = await queue.oldest(loud, 600);
  assert.deepEqual(
    oldest.map(({ event }) => event?.id),
    Array.from({ length: 600 }, (_, i) => `${i}`),
  );
  await queue.removeUpTo(loud, oldest.at(-1)?.sequence ?? 0);
  const counts = await queue.counts(ALL);
  assert.deepEqual(counts.get(subjectOf('calm')), 1);
  assert.deepEqual(counts.get(subjectOf('loud', 'app0')), 50);
  await queue.keepNewest(loud, 3);
  assert.deepEqual((await queue.oldest(loud, 10)).length, 3);
  assert.deepEqual(await queue.oldest('weir.delivery.test.nobody.>', 10), []);
});

it('says when it is full, and loses nothing', async (t) => {
  const { bus, queue } = await setup(t);
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  await manager.streams.update('weir-deliveries', { max_msgs: 2 });
  await queue.publish(itemOf(subjectOf('a'), '1'));
  await queue.publish(itemOf(subjectOf('a'), '2'));
  await assert.rejects(queue.publish(itemOf(subjectOf('a'), '3')), QueueFull);
  assert.equal((await queue.oldest(ALL, 10)).length, 2);
});

it('says so, rather than wait for ever, when NATS goes away in the middle of an answer', async (t) => {
  const { nats, queue } = await setup(t);
  const proxy = await proxyTo(Number(new URL(nats.url).port));
  t.after(() => proxy.close());
  const bus = await testBus(t, `nats://127.0.0.1:${proxy.port}`);
  await bus.ready;
  const far = openQueue({ bus, stream: 'weir-deliveries', log: bus.log });
  const data = { filling: 'x'.repeat(50_000) };
  for (let i = 0; i < 100; i++) {
    await queue.publish({ ...itemOf(subjectOf('a'), `${i}`), data });
  }
  assert.equal((await far.oldest(ALL, 100)).length, 100);
  const soonAway = () =>
    assert.rejects(orAborted(far.oldest(ALL, 100), AbortSignal.timeout(15_000)), BusUnavailable);
  const begun = performance.now();
  proxy.cutAfter(2_000_000);
  await soonAway();
  assert.ok(performance.now() - begun < 4_000, 'not only when its time is over');
  await until(() => bus.connected(), soon('the connection'));
  assert.equal((await far.oldest(ALL, 100)).length, 100);
  assert.deepEqual(await far.oldest(`${subjectOf('nobody')}.>`, 100), []);
  const away = soonAway();
  await bus.close(0);
  await away;
});
