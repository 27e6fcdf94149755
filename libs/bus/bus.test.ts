import assert from 'node:assert/strict';
import { it } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { until } from '@weir/cluster';
import { BusUnavailable } from './bus.ts';
import { startNats, testBus } from './testing/index.ts';

const soon = (message: string, timeoutMs = 15_000) => ({ timeoutMs, intervalMs: 10, message });

function message(id: string, subject = 'weir.event.test.Thing.ns.name.Reason') {
  return { stream: 'events', subject, id, type: 't', source: '/s', data: { id } } as const;
}

it('is usable before NATS is there, and delivers when it is', async (t) => {
  const nats = await startNats({ started: false });
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  assert.equal(bus.connected(), false);
  await assert.rejects(bus.jetstream(), BusUnavailable);
  bus.publish(message('early'));
  assert.equal(await bus.flush(1_000), false, 'nothing can be flushed while NATS is away');
  await nats.start();
  await bus.ready;
  assert.equal(await bus.flush(5_000), true);
  const js = await bus.jetstream();
  const manager = await js.jetstreamManager(false);
  assert.equal((await manager.streams.info('events')).state.messages, 1);
  assert.match(await bus.metrics.expose(), /weir_published_total\{stream="events"\} 1/);
  const warned = bus.lines.filter((line) => line.includes('not reachable'));
  assert.equal(warned.length, 1, 'an absence is logged once');
});

it('lets several services make the streams at the same time', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const buses = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      testBus(t, nats.url, { eventsMaxBytes: (i + 1) * 1024 ** 2 }),
    ),
  );
  await Promise.all(buses.map((bus) => bus.ready));
  const [first] = buses;
  const manager = await (await first?.jetstream())?.jetstreamManager(false);
  const names = [];
  for await (const name of manager?.streams.names() ?? []) names.push(name);
  assert.deepEqual(names.sort(), ['artifacts', 'events']);
});

it('migrates a stream to new settings and leaves one of a newer release alone', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const first = await testBus(t, nats.url);
  await first.ready;
  const second = await testBus(t, nats.url, { eventsMaxBytes: 5 * 1024 ** 2 });
  await second.ready;
  const nc = second.nc();
  assert.ok(nc);
  const manager = await jetstreamManager(nc);
  const changed = await manager.streams.info('events');
  assert.equal(changed.config.max_bytes, 5 * 1024 ** 2);
  assert.equal(changed.config.metadata?.['weir.schema'], '1');

  await manager.streams.update('events', { metadata: { 'weir.schema': '2' } });
  const third = await testBus(t, nats.url, { eventsMaxBytes: 6 * 1024 ** 2 });
  await third.ready;
  const left = await manager.streams.info('events');
  assert.equal(left.config.max_bytes, 5 * 1024 ** 2);
});

it('reconnects after a restart and loses nothing that it was given', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  let reconnects = 0;
  bus.onReconnect(() => {
    reconnects += 1;
  });
  let recreated = 0;
  await bus.ready;
  bus.onRecreated(() => {
    recreated += 1;
  });
  let stop = false;
  let published = 0;
  const publishing = (async () => {
    while (!stop) {
      published += 1;
      bus.publish(message(`m${published}`));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const before = published;
    await until(() => published > before + 20, soon('messages before'));
    await nats.restart({ signal });
    await until(() => bus.connected(), soon('the reconnect'));
  }
  stop = true;
  await publishing;
  assert.equal(await bus.flush(10_000), true);
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const { state } = await manager.streams.info('events');
  assert.equal(state.messages, published);
  assert.ok(reconnects >= 3, `${reconnects} connects`);
  assert.equal(recreated, 0);
});

it('makes the streams again when NATS lost its data, and says so', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const [bus, other] = [await testBus(t, nats.url), await testBus(t, nats.url)];
  await Promise.all([bus.ready, other.ready]);
  const recreated: string[] = [];
  bus.onRecreated((stream) => recreated.push(`bus ${stream}`));
  other.onRecreated((stream) => recreated.push(`other ${stream}`));
  await nats.restart({ wipe: true });
  await until(() => recreated.length === 4, soon('both to notice'));
  assert.deepEqual(recreated.sort(), [
    'bus artifacts',
    'bus events',
    'other artifacts',
    'other events',
  ]);
});

it('makes a stream again that was deleted under it', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  await manager.streams.delete('events');
  bus.publish(message('a'));
  assert.equal(await bus.flush(10_000), true);
  assert.equal((await manager.streams.info('events')).state.messages, 1);
});

it('drops a message that the server can never take, and goes on', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  bus.publish({ ...message('big'), data: 'x'.repeat(2 * 1024 ** 2) });
  bus.publish({ ...message('no json'), data: 1n });
  bus.publish(message('fine'));
  assert.equal(await bus.flush(5_000), true);
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  assert.equal((await manager.streams.info('events')).state.messages, 1);
  assert.match(
    await bus.metrics.expose(),
    /weir_outbox_dropped_total\{stream="events",cause="refused"\} 1/,
  );
});

it('publishes one happening once, and closes at once when NATS never came', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  bus.publish(message('same'));
  bus.publish(message('same'));
  await bus.ready;
  assert.equal(await bus.flush(5_000), true);
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  assert.equal((await manager.streams.info('events')).state.messages, 1);

  const lonely = await testBus(t, 'nats://127.0.0.1:1');
  const started = performance.now();
  await lonely.close();
  assert.ok(performance.now() - started < 1_000);
  await assert.rejects(lonely.ready, BusUnavailable);
});
