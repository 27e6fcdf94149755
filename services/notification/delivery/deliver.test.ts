import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Alert, Provider, ProviderSpec } from '@weir/api';
import { Provider as ProviderKind } from '@weir/api';
import { type Head, openQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { startReceiver, until } from '@weir/cluster';
import { createTracing } from '@weir/telemetry';
import { createWholeEvents } from '../events/whole.ts';
import { createHttp } from '../providers/io/http.ts';
import { createIo } from '../providers/io/io.ts';
import { createLookup } from '../providers/io/lookup.ts';
import { timeLimitMs } from '../providers/read-target.ts';
import { alertOf, eventOf, targetOf } from '../testing/fixtures.ts';
import { createDeadLetters, type DeadLetter } from './dead-letters.ts';
import { createDeliver } from './deliver.ts';
import { createPosts } from './posts.ts';
import type { Delivery } from './record.ts';
import type { Reports } from './report.ts';
import { createSend } from './send.ts';
import { deliverySubject } from './subjects.ts';

const network = { resolverFor: createLookup({ concurrency: 2 }), allowLocal: true };
const HOUR_MS = 60 * 60_000;
const alert = alertOf();
const event = eventOf();

const providerOf = (spec: Partial<ProviderSpec>): Provider => ({
  apiVersion: ProviderKind.apiVersion,
  kind: 'Provider',
  metadata: { name: 'chat', namespace: 'flux-system' },
  spec: { type: 'generic', ...spec },
});

interface Situation {
  alert?: Alert | undefined;
  event?: typeof event | undefined;
  provider?: Provider | undefined;
}

/** A delivery in the stream, and what attempts at it need. */
async function setup(t: TestContext, situation: Situation) {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const { log, metrics } = bus;
  const deliveries = openQueue({ bus, stream: 'weir-deliveries', log });
  const letters = openQueue({ bus, stream: 'weir-dead-letters', log });
  const reported: string[] = [];
  const reports: Reports = {
    sent: () => void reported.push('sent'),
    failure: ({ why }) => void reported.push(why),
    lostEvent: (_, __, why) => void reported.push(why),
    missingObject: () => void reported.push('missing'),
    refusedSource: () => undefined,
    invalidPatterns: () => undefined,
    metadataConflicts: () => undefined,
    failedTemplate: () => undefined,
  };
  const given = { alert, event, provider: undefined, ...situation };
  const deliver = createDeliver({
    deliveries,
    deadLetters: createDeadLetters({
      cluster: 'test',
      bus,
      deliveries,
      deadLetters: letters,
      metrics,
      log,
    }),
    currentAlert: async () => given.alert,
    readEvent: async () => given.event,
    providers: { get: () => given.provider },
    matching: {
      readLabels: async () => undefined,
      matchList: async () => ({ found: true, invalid: [] }),
    },
    send: createSend({
      wholeEvents: createWholeEvents(bus),
      readTarget: async (provider) => targetOf({ address: provider.spec.address ?? '' }),
      ioFor: createIo(
        network,
        createHttp(network),
        () => async (expression) => expression,
        createPosts(bus),
        () => () => assert.fail('no cloud is asked'),
      ),
      applyTemplate: async ({ event }) => event,
      reports,
      tracing: createTracing({ service: 'test' }),
    }),
    groups: { failed: async () => false, recovered: async () => false },
    defaultWindowMs: 0,
    reports,
  });

  const delivery: Delivery = {
    alert: { namespace: 'flux-system', name: 'chat', uid: 'alert-uid' },
    event: { sequence: 1, id: 'e1' },
    object: event.involvedObject,
    severity: 'info',
    reason: event.reason,
    timestamp: event.timestamp,
  };
  const object = { ...event.involvedObject, group: event.involvedObject.apiVersion };
  const subject = deliverySubject('test', { alert: delivery.alert, object });
  await deliveries.publish({
    subject,
    id: 'd1',
    type: 'weir.delivery',
    source: '/t',
    data: delivery,
  });
  const [head] = await deliveries.oldest('weir.delivery.>', 1);
  assert.ok(head !== undefined);
  const { signal } = new AbortController();
  const attempt = (of: Head = head) => deliver(of, { number: 1, signal });
  const left = async () => (await deliveries.oldest('weir.delivery.>', 10)).length;
  const dead = async () =>
    (await letters.oldest('weir.dead-letter.>', 10)).map(({ event }) => event?.data as DeadLetter);
  return { nats, bus, deliveries, head, attempt, left, dead, reported };
}

describe('an attempt at a delivery', () => {
  it('sends the message and removes the delivery', async (t) => {
    const chat = await startReceiver();
    t.after(() => chat.close());
    const { attempt, left, dead, reported } = await setup(t, {
      provider: providerOf({ address: chat.url }),
    });
    assert.equal(await attempt(), 'done');
    assert.equal(await attempt(), 'done');
    assert.equal(chat.requests().length, 1);
    assert.equal(await left(), 0);
    assert.deepEqual(await dead(), []);
    assert.deepEqual(reported, ['sent']);
  });

  it('sends nothing twice that it could not remove at once', async (t) => {
    const chat = await startReceiver();
    t.after(() => chat.close());
    const { attempt, left, bus, nats } = await setup(t, {
      provider: providerOf({ address: chat.url }),
    });
    chat.reply({ delayMs: 300 });
    const sending = attempt();
    await until(() => chat.requests().length === 1, { timeoutMs: 5_000, message: 'the message' });
    await nats.stop();
    await assert.rejects(sending);
    await nats.start();
    await until(() => bus.connected(), { timeoutMs: 20_000, message: 'NATS' });
    assert.equal(await attempt(), 'done');
    assert.equal(chat.requests().length, 1);
    assert.equal(await left(), 0);
  });

  it('is cut off at the time limit, and comes again', async (t) => {
    const chat = await startReceiver();
    t.after(() => chat.close());
    chat.reply({ delayMs: 3_000 });
    const provider = providerOf({ address: `${chat.url}/s3cret?token=s3cret`, timeout: '100ms' });
    const { attempt, left, reported } = await setup(t, { provider });
    const begun = performance.now();
    assert.deepEqual(await attempt(), { retryInMs: 1_000 });
    assert.ok(performance.now() - begun < 2_000);
    assert.equal(await left(), 1);
    assert.match(reported[0] ?? '', /no answer within its timeout$/);
    assert.doesNotMatch(String(reported), /s3cret/);
    assert.equal(timeLimitMs(providerOf({ timeout: '10000m' })), 30_000);
    assert.equal(timeLimitMs(providerOf({})), 15_000);
  });

  it('that is the last one moves the delivery to the dead letters, with the reason', async (t) => {
    const { head, attempt, left, dead } = await setup(t, {});
    assert.deepEqual(await attempt(), { retryInMs: 1_000 });
    assert.equal(await attempt({ ...head, atMs: head.atMs - HOUR_MS }), 'done');
    assert.equal(await left(), 0);
    const [letter, ...more] = await dead();
    assert.equal(more.length, 0);
    assert.equal(letter?.cause, 'retries');
    assert.equal(letter?.why, "provider 'flux-system/chat' not found: create it");
    assert.deepEqual(letter?.event, { sequence: 1, id: 'e1' });
    assert.equal(letter?.object?.name, 'apps');
  });

  it('drops what is no delivery, says so and counts it', async (t) => {
    const { bus, deliveries, head, attempt, left, dead, reported } = await setup(t, {});
    await deliveries.remove(head);
    const js = await bus.jetstream();
    const delivery = { alert: { namespace: 'flux-system', name: 'chat', uid: 'alert-uid' } };
    const envelope = { specversion: '1.0', id: 'f', source: '/s', type: 'weir.delivery' };
    const startedAt = performance.now();
    const forged = ['no JSON {', 'null', JSON.stringify({ ...envelope, data: delivery })];
    for (const [index, text] of forged.entries()) {
      await js.publish(head.subject, text);
      const [next] = await deliveries.oldest('weir.delivery.>', 1);
      assert.ok(next !== undefined);
      assert.equal(await attempt(next), 'done');
      const line = `weir_dead_letters_total{cause="malformed"} ${index + 1}\n`;
      assert.ok((await bus.metrics.expose()).includes(line));
    }
    assert.equal(await left(), 0);
    assert.deepEqual(await dead(), []);
    assert.deepEqual(reported, []);
    const lines = bus.lines.filter((line) => line.includes('is not what its stream holds'));
    assert.ok(lines[0]?.includes('"stream":"weir-deliveries"'), lines[0]);
    // One line in ten seconds for each stream.
    const tensOfSeconds = Math.floor((performance.now() - startedAt) / 10_000);
    assert.ok(lines.length <= 1 + tensOfSeconds, lines.join(''));
  });

  it('finds an event that has left its stream, or an alert that is gone', async (t) => {
    const lost = await setup(t, { event: undefined });
    assert.equal(await lost.attempt(), 'done');
    assert.match((await lost.dead())[0]?.why ?? '', /no longer in its stream/);
    assert.equal(await lost.left(), 0);
    const gone = await setup(t, { alert: undefined });
    assert.equal(await gone.attempt(), 'done');
    assert.deepEqual(await gone.dead(), []);
    assert.equal(await gone.left(), 0);
  });
});
