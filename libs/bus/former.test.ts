import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { AckPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { until } from '@weir/cluster';
import { consumeStream } from './consume.ts';
import { streamsOf } from './definitions.ts';
import { startNats, type TestNats, testBus } from './testing/index.ts';

const soon = (message: string) => ({ timeoutMs: 20_000, intervalMs: 10, message });
const OURS = { 'weir.schema': '1' };

/** What a release before the prefixes left: an event stream of which the first two of five events are acknowledged. */
async function earlierRelease(t: TestContext, nats: TestNats, metadata: Record<string, string>) {
  const other = await testBus(t, nats.url, { owns: [] });
  await other.ready;
  const nc = other.nc();
  assert.ok(nc);
  const [js, jsm] = [jetstream(nc), await jetstreamManager(nc)];
  await jsm.streams.add({ name: 'events', subjects: ['weir.event.>'], metadata });
  await jsm.consumers.add('events', {
    durable_name: 'notification_test',
    ack_policy: AckPolicy.Explicit,
    filter_subject: 'weir.event.test.>',
  });
  for (let i = 0; i < 5; i++) {
    const event = { specversion: '1.0', id: `e${i}`, source: '/s', type: 't', data: `e${i}` };
    await js.publish(`weir.event.test.${i}`, JSON.stringify(event), { msgID: `e${i}` });
  }
  const consumer = await js.consumers.get('events', 'notification_test');
  for await (const message of await consumer.fetch({ max_messages: 2 })) await message.ackAck();
  return jsm;
}

async function names(jsm: JetStreamManager): Promise<string[]> {
  const found: string[] = [];
  for await (const name of jsm.streams.names()) found.push(name);
  return found.sort();
}

it('moves the events that nobody has read yet, and removes the stream of the earlier release', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const jsm = await earlierRelease(t, nats, OURS);
  await jsm.streams.add({ name: 'artifacts', subjects: ['weir.artifact.>'], metadata: OURS });
  const replicas = await Promise.all(
    [0, 1].map(() => testBus(t, nats.url, { owns: streamsOf('notification') })),
  );
  await Promise.all(replicas.map(({ ready }) => ready));
  const [bus] = replicas;
  assert.ok(bus);
  const seen: string[] = [];
  const stop = new AbortController();
  const consuming = consumeStream<string>(bus, {
    stream: 'weir-events',
    filter: 'weir.event.test.>',
    parse: String,
    durable: 'notification',
    concurrency: 4,
    signal: stop.signal,
    handle: async (text) => {
      seen.push(text);
      return 'ack';
    },
  });
  t.after(() => {
    stop.abort();
    return consuming;
  });
  await until(() => seen.length >= 3, soon('what was not read'));
  assert.deepEqual([...seen].sort(), ['e2', 'e3', 'e4']);
  assert.deepEqual(await names(jsm), ['artifacts', ...streamsOf('notification')].sort());

  const source = await testBus(t, nats.url, { owns: streamsOf('source') });
  await source.ready;
  assert.ok(!(await names(jsm)).includes('artifacts'));
});

it('leaves a stream alone that somebody else made, and says why it cannot go on', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const jsm = await earlierRelease(t, nats, {});
  const bus = await testBus(t, nats.url, { owns: streamsOf('notification') });
  await until(() => bus.lines.some((line) => /not ready.*/.test(line)), soon('the reason'));
  assert.match(bus.lines.join(), /subjects overlap/);
  const { config, state } = await jsm.streams.info('events');
  assert.deepEqual([config.subjects, state.messages], [['weir.event.>'], 5]);
});
