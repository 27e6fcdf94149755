import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { openQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { serveEvents } from './endpoint.ts';
import { createWholeEvents, type StoredEvent } from './whole.ts';

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const { log, metrics } = bus;
  const events = openQueue({ bus, stream: 'weir-events', log });
  const wholeEvents = createWholeEvents(bus);
  const endpoint = await serveEvents({
    ...{ bus, events, wholeEvents, metrics, log },
    ...{ port: 0, windowMs: 60_000 },
  });
  t.after(() => endpoint.close());
  async function post(message: string, more: Record<string, unknown> = {}): Promise<number> {
    const involvedObject = { kind: 'Kustomization', namespace: 'apps', name: 'web' };
    const body = JSON.stringify({ involvedObject, message, ...more });
    return (await fetch(`http://127.0.0.1:${endpoint.port}/`, { method: 'POST', body })).status;
  }
  const stored = async () =>
    (await events.oldest('weir.event.>', 100)).map(({ event }) => event?.data as StoredEvent);
  return { nats, bus, post, stored, wholeEvents };
}

it('is accepted when it is stored, all of it, and not while NATS is away', async (t) => {
  const { nats, bus, post, stored, wholeEvents } = await setup(t);
  const large = 'a line\n'.repeat(100_000);
  assert.equal(await post('small', { unknown: { field: 1 } }), 202);
  assert.equal(await post(large), 202);
  const [small, long] = await stored();
  assert.ok(small !== undefined && long !== undefined);
  assert.ok(!('unknown' in small) && !('aside' in small));
  assert.equal(long.message.length, 39_000);
  assert.equal((await wholeEvents.read(long, Number.POSITIVE_INFINITY)).message, large);
  const short = await wholeEvents.read(long, 100_000);
  assert.equal(short.message.length, 39_000, 'for who takes no more');
  assert.ok(!('aside' in short));

  await nats.stop('SIGKILL');
  await until(() => !bus.connected(), { timeoutMs: 10_000, message: 'the loss to be noticed' });
  for (const message of ['later', `${large}later`]) assert.equal(await post(message), 503);
  await nats.start();
  await until(bus.connected, { timeoutMs: 10_000, message: 'the connection' });
  // A refused event does not count as known: it may be posted again at once.
  for (const message of ['later', `${large}later`]) {
    await until(async () => (await post(message)) === 202, {
      timeoutMs: 10_000,
      message: 'the event to be taken',
    });
    assert.equal(await post(message), 429);
  }
  assert.equal((await stored()).length, 4);
});

it('is shortened where its namespace has put more since than is kept', async (t) => {
  const { bus, post, stored, wholeEvents } = await setup(t);
  assert.equal(await post('a line\n'.repeat(100_000)), 202);
  const [event] = await stored();
  assert.ok(event?.aside !== undefined);
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  await manager.streams.purge('weir-event-bodies');
  const read = await wholeEvents.read(event, Number.POSITIVE_INFINITY);
  assert.equal(read.message.length, 39_000);
});
