import assert from 'node:assert/strict';
import { it } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { until } from '@weir/cluster';
import { BusUnavailable } from './bus.ts';
import { STREAMS, streamsOf } from './definitions.ts';
import { startNats, testBus } from './testing/index.ts';
import { openValues } from './values.ts';

const soon = (message: string, timeoutMs = 15_000) => ({ timeoutMs, intervalMs: 10, message });

function message(id: string, subject = 'weir.event.test.Thing.ns.name.Reason') {
  const envelope = { namespace: 'ns', id, type: 't', source: '/s', data: { id } };
  return { stream: 'weir-events', subject, ...envelope } as const;
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
  assert.equal((await manager.streams.info('weir-events')).state.messages, 1);
  assert.match(await bus.metrics.expose(), /weir_published_total\{stream="weir-events"\} 1/);
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
  assert.deepEqual(names.sort(), [...STREAMS].sort());
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
  const changed = await manager.streams.info('weir-events');
  assert.equal(changed.config.max_bytes, 5 * 1024 ** 2);
  assert.equal(changed.config.metadata?.['weir.schema'], '3');

  await manager.streams.update('weir-events', { metadata: { 'weir.schema': '4' } });
  const third = await testBus(t, nats.url, { eventsMaxBytes: 6 * 1024 ** 2 });
  await third.ready;
  const left = await manager.streams.info('weir-events');
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
      bus.publish(message(`m${published}`, `weir.event.test.Thing.ns.name.${published}`));
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
  const { state } = await manager.streams.info('weir-events');
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
  const names = ['bus', 'other'].flatMap((name) => STREAMS.map((stream) => `${name} ${stream}`));
  await until(() => recreated.length === names.length, soon('both to notice'));
  assert.deepEqual(recreated.sort(), names.sort());
});

it('makes a stream again that was deleted under it', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  await manager.streams.delete('weir-events');
  bus.publish(message('a'));
  assert.equal(await bus.flush(10_000), true);
  assert.equal((await manager.streams.info('weir-events')).state.messages, 1);
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
  assert.equal((await manager.streams.info('weir-events')).state.messages, 1);
  assert.match(
    await bus.metrics.expose(),
    /weir_outbox_dropped_total\{stream="weir-events",cause="refused"\} 1/,
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
  assert.equal((await manager.streams.info('weir-events')).state.messages, 1);

  const lonely = await testBus(t, 'nats://127.0.0.1:1');
  const started = performance.now();
  await lonely.close();
  assert.ok(performance.now() - started < 1_000);
  await assert.rejects(lonely.ready, BusUnavailable);
});

it('waits for the stream of another service, and goes on with the rest meanwhile', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const source = await testBus(t, nats.url, { service: 'source', owns: streamsOf('source') });
  await source.ready;
  const artifact = {
    ...message('a', 'weir.artifact.test.x.y.z'),
    stream: 'weir-artifacts',
  } as const;
  for (let i = 0; i < 20; i++) source.publish(message(`e${i}`, `weir.event.test.x.y.z.r${i}`));
  source.publish(artifact);
  const manager = await (await source.jetstream()).jetstreamManager(false);
  await until(
    async () => (await manager.streams.info('weir-artifacts')).state.messages === 1,
    soon('the announcement'),
  );
  assert.equal(source.connected(), true);
  assert.equal(await source.flush(10_000), false);
  const waiting = () => source.lines.filter((text) => text.includes('Waiting for a stream'));
  await until(() => waiting().length > 0, soon('the line that says so'));

  const owner = await testBus(t, nats.url, { owns: streamsOf('notification') });
  await owner.ready;
  await until(
    async () => (await manager.streams.info('weir-events')).state.messages === 20,
    soon('the events'),
  );
  assert.deepEqual(
    waiting().map((line) => JSON.parse(line).owner),
    ['notification'],
  );
  const names = [];
  for await (const name of manager.streams.names()) names.push(name);
  assert.deepEqual(names.sort(), [...streamsOf('source'), ...streamsOf('notification')].sort());
});

it('changes nothing about a stream of another service', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const owner = await testBus(t, nats.url, {
    owns: streamsOf('source'),
    storeMaxBytes: 50 * 1024 ** 2,
  });
  await owner.ready;
  const other = await testBus(t, nats.url, { owns: streamsOf('kustomize'), replicas: 1 });
  await other.ready;
  const values = openValues({ bus: other, stream: 'weir-blobs' });
  await values.put('weir.blob.test.x.index', '{}');
  assert.equal((await values.get('weir.blob.test.x.index'))?.string(), '{}');
  const manager = await (await owner.jetstream()).jetstreamManager(false);
  const { config } = await manager.streams.info('weir-blobs');
  assert.equal(config.max_bytes, 10 * 1024 ** 2);
  await manager.streams.delete('weir-blobs');
  await assert.rejects(values.get('weir.blob.test.x.index'), {
    name: 'BusUnavailable',
    message: /weir-blobs.*source/,
  });
});

it('makes a stream smaller where the server has less room', async (t) => {
  const nats = await startNats({ maxFileBytes: 300 * 1024 ** 2 });
  t.after(() => nats.close());
  for (let start = 0; start < 2; start++) {
    const bus = await testBus(t, nats.url, { owns: streamsOf('source') });
    await bus.ready;
    const manager = await (await bus.jetstream()).jetstreamManager(false);
    const { config } = await manager.streams.info('OBJ_weir-objects');
    assert.ok(config.max_bytes >= 1024 ** 2 && config.max_bytes < 300 * 1024 ** 2);
    await bus.close(100);
  }
});

it('finishes what registered with it before it closes', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const [bus, reader] = [await testBus(t, nats.url), await testBus(t, nats.url)];
  await Promise.all([bus.ready, reader.ready]);
  bus.beforeClose(async () => bus.publish(message('last words')));
  bus.beforeClose(async () => {
    throw new Error('this one fails');
  });
  await bus.close();
  const manager = await (await reader.jetstream()).jetstreamManager(false);
  assert.equal((await manager.streams.info('weir-events')).state.messages, 1);
  assert.ok(bus.lines.some((line) => line.includes('this one fails')));
});
