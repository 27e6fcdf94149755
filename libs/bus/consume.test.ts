import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { it, type TestContext } from 'node:test';
import { until } from '@weir/cluster';
import type { Bus } from './bus.ts';
import {
  type ConsumeOptions,
  consumeStream,
  type MessageContext,
  type Outcome,
} from './consume.ts';
import { startNats, testBus } from './testing/index.ts';

const soon = (message: string) => ({ timeoutMs: 20_000, intervalMs: 10, message });
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function publish(bus: Bus, name: string): void {
  const subject = `weir.event.${bus.cluster}.${name}`;
  const envelope = { id: `id-${name}`, type: 'weir.event.info', source: '/s' };
  bus.publish({
    stream: 'weir-events',
    namespace: 'ns',
    subject,
    ...envelope,
    data: name,
    traceparent: trace,
  });
}

/** Consumes in the background until the test ends, or `end` is called. */
function consumer(
  t: TestContext,
  bus: Bus,
  handle: (text: string, context: MessageContext) => Promise<Outcome>,
  options: Partial<ConsumeOptions<string>> = {},
) {
  const stop = new AbortController();
  const running = consumeStream(bus, {
    stream: 'weir-events',
    filter: `weir.event.${bus.cluster}.>`,
    parse: (data) => (typeof data === 'string' ? data : undefined),
    durable: 'notification',
    concurrency: 4,
    signal: stop.signal,
    handle,
    ...options,
  });
  const end = () => {
    stop.abort();
    return running;
  };
  t.after(end);
  return { end };
}

/** A handler that takes an event and does nothing with it until its consumer ends. */
async function stuckUntilTheEnd(_text: string, { signal }: MessageContext): Promise<Outcome> {
  if (!signal.aborted) await once(signal, 'abort');
  return { retryInMs: 0 };
}

async function pending(bus: Bus): Promise<{ unacked: number; undelivered: number }> {
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const info = await manager.consumers.info('weir-events', 'notification_test');
  return { unacked: info.num_ack_pending, undelivered: info.num_pending };
}

async function setup(t: TestContext, options: { started?: boolean } = {}) {
  const nats = await startNats(options);
  t.after(() => nats.close());
  return { nats, bus: await testBus(t, nats.url) };
}

it('hands each event with its context to one of two replicas, and acknowledges it', async (t) => {
  const { nats, bus } = await setup(t);
  const other = await testBus(t, nats.url);
  const seen: string[][] = [[], []];
  const contexts: MessageContext[] = [];
  for (const [i, replica] of [bus, other].entries()) {
    consumer(t, replica, async (text, context) => {
      seen[i]?.push(text);
      contexts.push(context);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return 'ack';
    });
  }
  const names = Array.from({ length: 200 }, (_, i) => `e${i}`);
  for (const name of names) publish(bus, name);
  await until(() => seen.flat().length >= names.length, soon('all events'));
  assert.deepEqual(seen.flat().sort(), names.sort());
  assert.ok(
    seen.every((list) => list.length > 20),
    `${seen.map((list) => list.length)}`,
  );
  assert.equal(contexts[0]?.traceparent, trace);
  assert.equal(contexts[0]?.attempt, 1);
  assert.match(contexts[0]?.id ?? '', /^id-e/);
  assert.ok(contexts.every(({ ageMs }) => ageMs >= 0 && ageMs < 20_000));
  await until(async () => (await pending(bus)).unacked === 0, soon('the acknowledgements'));
});

it('tries again after a failure, when asked to, and not when dropped', async (t) => {
  const { bus } = await setup(t);
  const attempts = new Map<string, number[]>();
  consumer(
    t,
    bus,
    async (text, { attempt }) => {
      attempts.set(text, [...(attempts.get(text) ?? []), attempt]);
      if (text === 'throws' && attempt === 1) throw new Error('out of order');
      if (text === 'later' && attempt < 3) return { retryInMs: 20 };
      return text === 'dropped' ? 'drop' : 'ack';
    },
    { metrics: bus.metrics, log: bus.log },
  );
  for (const name of ['throws', 'later', 'dropped', 'fine']) publish(bus, name);
  await until(() => attempts.get('throws')?.length === 2, soon('the second attempt'));
  await until(() => attempts.get('later')?.length === 3, soon('the third attempt'));
  await until(async () => (await pending(bus)).unacked === 0, soon('the acknowledgements'));
  assert.deepEqual(Object.fromEntries(attempts), {
    throws: [1, 2],
    later: [1, 2, 3],
    dropped: [1],
    fine: [1],
  });
  const metrics = await bus.metrics.expose();
  assert.match(metrics, /weir_events_handled_total\{durable="notification",result="retry"\} 3/);
  assert.match(metrics, /weir_events_lost_total\{durable="notification"\} 0/);
  assert.ok(bus.lines.some((line) => line.includes('out of order')));
});

it('runs no more than its concurrency, and holds nothing back from other replicas', async (t) => {
  const { nats, bus } = await setup(t);
  const gate = Promise.withResolvers<Outcome>();
  let running = 0;
  consumer(t, bus, async () => {
    running += 1;
    return gate.promise;
  });
  for (let i = 0; i < 10; i++) publish(bus, `e${i}`);
  await until(() => running === 4, soon('four handlers'));
  const free: string[] = [];
  consumer(t, await testBus(t, nats.url), async (text) => {
    free.push(text);
    return 'ack';
  });
  await until(() => free.length === 6, soon('the other replica'));
  assert.equal(running, 4);
  gate.resolve('ack');
});

it('keeps a message while its handler runs longer than the ack wait', async (t) => {
  const { bus } = await setup(t);
  const attempts: number[] = [];
  consumer(
    t,
    bus,
    async (_event, { attempt }) => {
      attempts.push(attempt);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return 'ack';
    },
    { ackWaitMs: 300 },
  );
  publish(bus, 'slow');
  await until(
    async () => attempts.length > 0 && (await pending(bus)).unacked === 0,
    soon('the ack'),
  );
  assert.deepEqual(attempts, [1]);
});

it('delivers again what a consumer had when it crashed', async (t) => {
  const { nats, bus } = await setup(t);
  await bus.ready;
  const crashing = fork(new URL('testing/crashing-consumer.ts', import.meta.url), [nats.url]);
  t.after(() => crashing.kill('SIGKILL'));
  publish(bus, 'precious');
  assert.deepEqual(await once(crashing, 'message').then(([name]) => name), 'precious');
  crashing.kill('SIGKILL');
  const seen: [string, number][] = [];
  consumer(
    t,
    bus,
    async (text, { attempt }) => {
      seen.push([text, attempt]);
      return 'ack';
    },
    { ackWaitMs: 1_000 },
  );
  await until(() => seen.length > 0, soon('the redelivery'));
  assert.deepEqual(seen, [['precious', 2]]);
});

it('begins with what a predecessor had, where the order counts', async (t) => {
  const { nats, bus } = await setup(t);
  await bus.ready;
  const crashing = fork(new URL('testing/crashing-consumer.ts', import.meta.url), [nats.url]);
  t.after(() => crashing.kill('SIGKILL'));
  publish(bus, 'first');
  await once(crashing, 'message');
  crashing.kill('SIGKILL');
  publish(bus, 'second');
  const seen: string[] = [];
  consumer(
    t,
    bus,
    async (text) => {
      seen.push(text);
      return 'ack';
    },
    { ackWaitMs: 1_000, ordered: true },
  );
  await until(() => seen.length === 2, soon('both'));
  assert.deepEqual(seen, ['first', 'second']);
});

it('goes on when NATS restarts, loses its data, or comes late', async (t) => {
  const { nats, bus } = await setup(t, { started: false });
  const seen = new Set<string>();
  consumer(t, bus, async (text) => {
    seen.add(text);
    return 'ack';
  });
  publish(bus, 'late');
  await nats.start();
  await until(() => seen.has('late'), soon('the late one'));
  await nats.restart({ signal: 'SIGKILL' });
  publish(bus, 'restarted');
  await until(() => seen.has('restarted'), soon('the one after the restart'));
  await nats.restart({ wipe: true });
  publish(bus, 'wiped');
  await until(() => seen.has('wiped'), soon('the one after the loss'));
});

it('makes its consumer again when that was deleted', async (t) => {
  const { bus } = await setup(t);
  const seen = new Set<string>();
  consumer(t, bus, async (text) => {
    seen.add(text);
    return 'ack';
  });
  publish(bus, 'before');
  await until(() => seen.has('before'), soon('the first'));
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  await manager.consumers.delete('weir-events', 'notification_test');
  publish(bus, 'after');
  await until(() => seen.has('after'), soon('the second'));
});

it('ends after its handlers, and leaves the rest to others', async (t) => {
  const { bus } = await setup(t);
  const gate = Promise.withResolvers<Outcome>();
  const started: string[] = [];
  const { end } = consumer(
    t,
    bus,
    async (text) => {
      started.push(text);
      return gate.promise;
    },
    { concurrency: 1 },
  );
  publish(bus, 'first');
  publish(bus, 'second');
  await until(() => started.length === 1, soon('the first'));
  let ended = false;
  const ending = end().then(() => {
    ended = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ended, false);
  gate.resolve('ack');
  await ending;
  assert.deepEqual(started, ['first']);
  await until(async () => (await pending(bus)).unacked === 0, soon('the ack'));
  assert.equal((await pending(bus)).undelivered, 1);
});

it('drops what is no CloudEvent', async (t) => {
  const { bus } = await setup(t);
  const seen: string[] = [];
  consumer(
    t,
    bus,
    async (text) => {
      seen.push(text);
      return 'ack';
    },
    { log: bus.log },
  );
  await bus.ready;
  await (await bus.jetstream()).publish('weir.event.test.Thing.ns.n.R', 'garbage');
  publish(bus, 'good');
  await until(() => seen.length > 0, soon('the good one'));
  assert.deepEqual(seen, ['good']);
  await until(async () => (await pending(bus)).unacked === 0, soon('the drop'));
});

it('counts what the limits of the stream removed unread', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url, { eventsMaxBytes: 20_000 });
  await bus.ready;
  const first = consumer(t, bus, async () => 'ack');
  publish(bus, 'e');
  await until(async () => (await pending(bus)).undelivered === 0, soon('the first event'));
  await first.end();
  for (let i = 0; i < 200; i++) publish(bus, `e${i}`);
  assert.equal(await bus.flush(10_000), true);
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const { state } = await manager.streams.info('weir-events');
  const lost = 201 - state.messages - 1;
  assert.ok(lost > 0);
  consumer(t, bus, stuckUntilTheEnd, {
    metrics: bus.metrics,
    concurrency: 1,
  });
  await until(
    async () => (await bus.metrics.expose()).includes(`{durable="notification"} ${lost}\n`),
    soon(`${lost} lost events in the metric`),
  );
});
