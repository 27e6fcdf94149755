// Many events while NATS is killed and the target fails a third of the time: 500 here, as many as WEIR_FLOOD says by command.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFairLimit } from '@weir/async';
import { openQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { consumeEvents, storedEvent } from '@weir/events';
import { publishEvent, routerTo } from '../testing/routing.ts';
import { followQueue } from './follow.ts';
import { createLanes } from './lanes.ts';
import { parseDelivery } from './record.ts';
import { createSent } from './sent.ts';
import { deliveryFilter } from './subjects.ts';

const EVENTS = Number(process.env.WEIR_FLOOD ?? 500);
const KILLS = 4;
const WAIT = { timeoutMs: 120_000, intervalMs: 20 };

it('loses none of them, and sends none twice', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const deliveries = openQueue({ bus, stream: 'weir-deliveries', log: bus.log });
  const { route } = routerTo({ bus, deliveries, metrics: bus.metrics, log: bus.log });
  const stop = new AbortController();
  const { signal } = stop;
  const sent = new Map<string, number>();
  const remembered = createSent();
  let attempts = 0;
  const lanes = createLanes({
    owns: () => true,
    slots: createFairLimit(16),
    log: bus.log,
    available: (until) => bus.available(until),
    async attempt(head) {
      const queued = await deliveries.get(head);
      const delivery = parseDelivery(queued?.event?.data);
      if (queued === undefined || delivery === undefined) return 'done';
      if (!remembered.has(queued)) {
        const event = await storedEvent(bus, delivery.event);
        attempts += 1;
        if (attempts % 3 === 0) return { retryInMs: 20 };
        const message = event?.message ?? 'its event is gone';
        sent.set(message, (sent.get(message) ?? 0) + 1);
        remembered.add(queued);
      }
      await deliveries.remove(head);
      return 'done';
    },
  });
  const filter = deliveryFilter('test');
  const working = Promise.all([
    followQueue({
      filter,
      queue: deliveries,
      lanes,
      membership: { onChange: () => () => undefined },
      signal,
    }),
    consumeEvents(bus, {
      ...{ durable: 'notification', concurrency: 64, ackWaitMs: 1_000, ordered: true },
      ...{ signal, handle: route },
    }),
  ]);
  t.after(async () => {
    stop.abort();
    await Promise.all([working, lanes.close()]);
  });
  for (let kill = 0; kill <= KILLS; kill++) {
    const from = Math.floor((kill * EVENTS) / (KILLS + 1));
    const to = Math.floor(((kill + 1) * EVENTS) / (KILLS + 1));
    for (let i = from; i < to; i++) publishEvent(bus, 'a', `app${i}`, String(i));
    if (kill === KILLS) break;
    // In the middle of them, wherever that is.
    await until(() => sent.size > from, { ...WAIT, message: `messages after ${kill} kills` });
    await nats.restart({ signal: 'SIGKILL' });
  }
  await until(() => sent.size === EVENTS, { ...WAIT, message: 'all messages' });
  const twice = [...sent.values()].filter((count) => count > 1).length;
  t.diagnostic(`${EVENTS} events, ${attempts} attempts, ${twice} sent more than once`);
  assert.ok(!sent.has('its event is gone'));
  // NATS comes back without the last removals it confirmed; whoever sent these knows better.
  assert.equal(twice, 0);
});
