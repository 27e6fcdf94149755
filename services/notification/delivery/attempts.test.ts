import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { openQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { createMetrics } from '@weir/telemetry';
import { alertOf, eventOf } from '../testing/fixtures.ts';
import { createAttempts } from './attempts.ts';
import type { Message, Send } from './send.ts';

const message = (id: string, signal = new AbortController().signal): Message => ({
  ...{ id, signal, order: 1 },
  ...{ alert: alertOf(), provider: undefined, event: eventOf() },
});

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const queue = openQueue({ bus, stream: 'weir-outcomes', log: bus.log });
  /** As a process begins: what it counts begins at 0. */
  async function replica(instance: string) {
    const metrics = createMetrics({ service: 'notification' });
    const attempts = createAttempts({ cluster: 'test', instance, queue, metrics, log: bus.log });
    await attempts.learn();
    const repeated = async () => {
      const text = await metrics.expose();
      return Number(/weir_notifications_repeated_total\S* (\d+)/.exec(text)?.[1]);
    };
    return { ...attempts, repeated };
  }
  /** Waits until the stream says that this many messages are being sent. */
  const noted = (count: number) =>
    until(
      async () => {
        const notes = await queue.oldest('weir.attempt.test.>', 1_000);
        const names = notes.map(({ event }) => event?.data as { message: string } | undefined);
        return names.filter((name) => name?.message).length === count;
      },
      { timeoutMs: 10_000, intervalMs: 10, message: `${count} notes` },
    );
  return { replica, noted };
}

const arrive: Send = async () => undefined;
const hang: Send = () => new Promise(() => undefined);
const fail: Send = () => Promise.reject(new Error('refused'));

for (const [who, instance] of Object.entries({ 'the same pod': 'n-0', 'another one': 'n-1' })) {
  it(`counts what a process that was killed was sending, in ${who}, and nothing that it knew the end of`, async (t) => {
    const { replica, noted } = await setup(t);
    const killed = await replica('n-0');
    for (const id of ['a', 'b']) void killed.watch(hang)(message(id));
    await assert.rejects(killed.watch(fail)(message('refused')));
    await noted(2);
    const next = await replica(instance);
    assert.equal(await next.repeated(), 0);
    for (const id of ['a', 'refused', 'new']) await next.watch(arrive)(message(id));
    assert.equal(await next.repeated(), 1);
    await next.watch(arrive)(message('a'));
    assert.equal(await next.repeated(), 1, 'its own first attempt ended well');
  });
}

it('counts what is sent again after it was cut off, and does not count what was refused', async (t) => {
  const { replica } = await setup(t);
  const { watch, repeated } = await replica('n-0');
  const cut = new AbortController();
  const sending = watch(({ signal }) => {
    cut.abort();
    return Promise.reject(signal.reason);
  })(message('late', cut.signal));
  await assert.rejects(sending);
  await assert.rejects(watch(fail)(message('refused')));
  for (const id of ['late', 'refused']) await watch(arrive)(message(id));
  assert.equal(await repeated(), 1);
});

it('learns what another replica was sending while this one goes on with its own', async (t) => {
  const { replica, noted } = await setup(t);
  const here = await replica('n-0');
  void here.watch(hang)(message('mine'));
  const killed = await replica('n-1');
  void killed.watch(hang)(message('theirs'));
  await noted(2);
  await here.learn();
  for (const id of ['mine', 'theirs']) await here.watch(arrive)(message(id));
  assert.equal(await here.repeated(), 1);
});
