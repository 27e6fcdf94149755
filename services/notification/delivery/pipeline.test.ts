import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { it, type TestContext } from 'node:test';
import { createFairLimit } from '@weir/async';
import { type Bus, type Head, openQueue, type WorkQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { consumeEvents, storedEvent } from '@weir/events';
import { alertIn, publishEvent, type RoutingOptions, routerTo } from '../testing/routing.ts';
import { followQueue } from './follow.ts';
import { type AttemptResult, createLanes } from './lanes.ts';
import { parseDelivery } from './record.ts';
import { deliveryFilter, namespaceOf } from './subjects.ts';

const soon = (message: string) => ({ timeoutMs: 30_000, intervalMs: 10, message });

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const open = async () => {
    const bus = await testBus(t, nats.url);
    await bus.ready;
    const deliveries = openQueue({ bus, stream: 'weir-deliveries', log: bus.log });
    return { bus, deliveries };
  };
  return { nats, open };
}

type Opened = Awaited<ReturnType<Awaited<ReturnType<typeof setup>>['open']>>;

function routing(t: TestContext, { bus, deliveries }: Opened, more: Partial<RoutingOptions> = {}) {
  const { route } = routerTo({ bus, deliveries, metrics: bus.metrics, log: bus.log, ...more });
  const stop = new AbortController();
  const routed = consumeEvents(bus, {
    durable: 'notification',
    concurrency: 64,
    ackWaitMs: 1_000,
    ordered: true,
    signal: stop.signal,
    handle: route,
  });
  const close = async () => {
    stop.abort();
    await routed;
  };
  t.after(close);
  return { close };
}

interface Replica {
  owns?(subject: string): boolean;
  send(namespace: string, message: string): Promise<AttemptResult>;
}

/** Works on deliveries as a replica does; `membership` callbacks are called by `change`. */
function delivering(t: TestContext, { bus, deliveries }: Opened, replica: Replica) {
  const { owns = () => true, send } = replica;
  const stop = new AbortController();
  const callbacks = new Set<() => void>();
  const lanes = createLanes({
    owns,
    slots: createFairLimit(16),
    available: (until) => bus.available(until),
    attempt: (head, { signal }) => attempt(bus, deliveries, head, signal, send),
    log: bus.log,
  });
  const following = followQueue({
    filter: deliveryFilter(bus.cluster),
    queue: deliveries,
    lanes,
    membership: {
      onChange(callback) {
        callbacks.add(callback);
        return () => void callbacks.delete(callback);
      },
    },
    signal: stop.signal,
  });
  const close = async () => {
    stop.abort();
    await Promise.all([following, lanes.close()]);
  };
  t.after(close);
  return { close, change: () => callbacks.forEach((callback) => void callback()) };
}

async function attempt(
  bus: Bus,
  deliveries: WorkQueue,
  head: Head,
  signal: AbortSignal,
  send: Replica['send'],
): Promise<AttemptResult> {
  const message = await deliveries.get(head);
  const delivery = parseDelivery(message?.event?.data);
  if (delivery === undefined) return 'done';
  const event = await storedEvent(bus, delivery.event);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const sending = send(namespaceOf(head.subject), event?.message ?? 'its event is gone');
  const result = await Promise.race([sending, aborted]);
  if (result === 'done') await deliveries.remove(head);
  return result;
}

/** A thousand alerts on everything of their namespace. */
function tenantAlerts() {
  return Array.from({ length: 1_000 }, (_, i) => {
    const alert = alertIn('tenant');
    return { ...alert, metadata: { ...alert.metadata, name: `chat${i}`, uid: `uid-${i}` } };
  });
}

const queuedIn = async ({ deliveries }: Opened, namespace?: string) => {
  const counts = await deliveries.counts(deliveryFilter('test', namespace));
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
};

it('delivers what was matched when the process was killed, in its order', async (t) => {
  const { nats, open } = await setup(t);
  const opened = await open();
  const child = fork(new URL('../testing/routing-process.ts', import.meta.url), [nats.url]);
  t.after(() => child.kill('SIGKILL'));
  const matched: unknown[] = [];
  child.on('message', (message) => matched.push(message));
  const all = ['1', '2', '3', 'last words', 'next'];
  for (const message of all.slice(0, 4)) publishEvent(opened.bus, 'a', 'app', message);
  await until(() => matched.length === 4, soon('four matched events'));
  child.kill('SIGKILL');
  publishEvent(opened.bus, 'a', 'app', 'next');

  const sent: string[] = [];
  delivering(t, opened, {
    async send(_, message) {
      sent.push(message);
      return 'done';
    },
  });
  routing(t, opened);
  await until(() => sent.includes('next'), soon('the event that came later'));
  assert.deepEqual(sent, all, 'nothing is lost, doubled or out of order');
  await until(async () => (await queuedIn(opened)) === 0, soon('an empty stream'));
});

it('is shared by two replicas, each lane in its order while replicas come and go', async (t) => {
  const { open } = await setup(t);
  const [one, two] = [await open(), await open()];
  const sent: { by: string; message: string }[] = [];
  const running = new Set<string>();
  let share = 2;
  const ownerOf = (subject: string) =>
    subject.charCodeAt(subject.length - 1) % 2 < share - 1 ? 'two' : 'one';
  const replica = (name: string): Replica => ({
    owns: (subject) => ownerOf(subject) === name,
    async send(_, message) {
      const app = message.split(' ')[0] ?? '';
      assert.ok(!running.has(app), `${app} is worked on twice`);
      running.add(app);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running.delete(app);
      sent.push({ by: name, message });
      return 'done';
    },
  });
  const replicas = [delivering(t, one, replica('one')), delivering(t, two, replica('two'))];
  routing(t, one);
  const apps = ['app0', 'app1', 'app2', 'app3'];
  const count = 100;
  for (let i = 0; i < count; i++)
    for (const app of apps) publishEvent(one.bus, 'a', app, `${app} ${i}`);
  await until(() => sent.length > count, soon('a quarter of them'));
  assert.ok(sent.some(({ by }) => by === 'one') && sent.some(({ by }) => by === 'two'));
  share = 1;
  replicas[1]?.change();
  replicas[0]?.change();
  await until(
    async () => (await queuedIn(one)) === 0 && sent.length >= 4 * count,
    soon('the rest'),
  );
  for (const app of apps) {
    const messages = sent
      .map(({ message }) => message)
      .filter((text) => text.startsWith(`${app} `));
    const expected = Array.from({ length: count }, (_, i) => `${app} ${i}`);
    assert.deepEqual([...new Set(messages)], expected, 'in order, though one may have come twice');
    assert.ok(messages.length <= count + 1);
  }
});

it('brings an alert at once beside 20,500 that nobody takes', async (t) => {
  const { open } = await setup(t);
  const opened = await open();
  const { bus } = opened;
  const sent: string[] = [];
  routing(t, opened, { alerts: [alertIn('silent'), alertIn('victim')], share: 5_000 });
  delivering(t, opened, {
    send(namespace, message) {
      if (namespace === 'silent') return new Promise(() => undefined);
      sent.push(message);
      return Promise.resolve('done');
    },
  });
  for (let i = 0; i < 20_500; i++) {
    publishEvent(bus, 'silent', `app${i % 3_000}`, `${i}`);
    if (i % 5_000 === 4_999) assert.equal(await bus.flush(30_000), true);
  }
  const givenUp = async () => {
    const counted = /weir_dead_letters_total\{cause="share"\} (\d+)/.exec(
      await bus.metrics.expose(),
    );
    return Number(counted?.[1] ?? 0);
  };
  await until(async () => (await queuedIn(opened)) + (await givenUp()) === 20_500, {
    ...soon('the deliveries of all events'),
    intervalMs: 100,
  });
  assert.ok((await queuedIn(opened)) <= 5_000);
  const begun = performance.now();
  publishEvent(bus, 'victim', 'app', 'for the victim');
  await until(() => sent.length > 0, soon('the alert of the victim'));
  const tookMs = performance.now() - begun;
  assert.ok(tookMs < 2_000, `${tookMs} ms`);
});

it('brings an alert at once beside a tenant with 1,000 alerts to a slow receiver', async (t) => {
  const { open } = await setup(t);
  const opened = await open();
  const { bus } = opened;
  const took: number[] = [];
  let slow = 0;
  let begun = 0;
  routing(t, opened, { alerts: [...tenantAlerts(), alertIn('victim')], share: 2_000 });
  delivering(t, opened, {
    async send(namespace) {
      if (namespace === 'victim') {
        took.push(performance.now() - begun);
        return 'done';
      }
      slow += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return 'done';
    },
  });
  const skipped = async () =>
    Number(/weir_alerts_skipped_total (\d+)/.exec(await bus.metrics.expose())?.[1] ?? 0);
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 10; i++) publishEvent(bus, 'tenant', `app${i}`, `${round}`);
    await until(
      async () => (await skipped()) >= 800 * (10 * round + 1),
      soon('the tenant to begin'),
    );
    begun = performance.now();
    publishEvent(bus, 'victim', 'app', `${round}`);
    await until(() => took.length > round, soon('the alert of the victim'));
  }
  assert.ok(Math.max(...took) < 2_000, `${took} ms`);
  await until(async () => (await skipped()) === 50 * 800, soon('all events to be routed'));
  const left = await queuedIn(opened, 'tenant');
  assert.ok(slow > 0 && left <= 2_000, `${slow} were sent, ${left} wait`);
});

it('stops within seconds, and tries nothing on, when NATS goes before it in the middle of a flood', async (t) => {
  const { nats, open } = await setup(t);
  const opened = await open();
  const { bus } = opened;
  const reading = Promise.withResolvers<void>();
  const deliveries: WorkQueue = {
    ...opened.deliveries,
    oldest(filter, max) {
      setImmediate(reading.resolve);
      return opened.deliveries.oldest(filter, max);
    },
  };
  let begun = 0;
  // With this share most events make room for their deliveries, for which the oldest are read.
  const options = { alerts: tenantAlerts(), share: 1_000 };
  const router = routing(t, { bus, deliveries }, options);
  const replica = delivering(t, opened, {
    send() {
      begun += 1;
      return new Promise((resolve) => setTimeout(resolve, 20, 'done'));
    },
  });
  for (let i = 0; i < 100; i++) publishEvent(bus, 'tenant', `app${i}`, 'flood');
  await reading.promise;
  await nats.stop('SIGKILL');
  await until(() => !bus.connected(), soon('the connection to end'));
  const before = begun;
  const stopping = performance.now();
  await bus.close(100);
  await Promise.all([router.close(), replica.close()]);
  const tookMs = performance.now() - stopping;
  assert.ok(tookMs < 10_000, `${tookMs} ms`);
  assert.ok(begun <= before + 16, `${begun - before} more attempts`);
});
