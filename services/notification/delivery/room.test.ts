import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { openQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { createDeadLetters, type DeadLetter } from './dead-letters.ts';
import { type Delivery, deliveryId } from './record.ts';
import { createRoom } from './room.ts';
import { deadLetterFilter, deliveryFilter, deliverySubject } from './subjects.ts';

const SHARE = 100;

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const { log, metrics, lines } = bus;
  const deliveries = openQueue({ bus, stream: 'weir-deliveries', log });
  const graves = openQueue({ bus, stream: 'weir-dead-letters', log });
  const cluster = 'test';
  const told: string[] = [];
  const deadLetters = createDeadLetters({
    ...{ cluster, bus, deliveries, deadLetters: graves, metrics, log },
    gaveUp: ({ namespace, name }, why) => void told.push(`${namespace}/${name}: ${why}`),
  });
  const room = createRoom({ cluster, share: SHARE, deliveries, deadLetters });

  async function put(namespace: string, sequence: number): Promise<void> {
    const delivery = deliveryOf(namespace, sequence);
    const { alert, object } = delivery;
    await deliveries.publish({
      subject: deliverySubject(cluster, { alert, object: { ...object, group: 'g' } }),
      id: deliveryId(delivery),
      type: 'weir.delivery',
      source: '/test',
      data: delivery,
    });
  }

  async function queued(namespace: string): Promise<number> {
    const counts = await deliveries.counts(deliveryFilter(cluster, namespace));
    return [...counts.values()].reduce((sum, count) => sum + count, 0);
  }
  const dead = (namespace: string) => graves.oldest(deadLetterFilter(cluster, namespace), 10_000);
  return { deliveries, room, put, queued, dead, told, metrics, lines };
}

function deliveryOf(namespace: string, sequence: number): Delivery {
  return {
    alert: { namespace, name: 'chat', uid: `uid-of-${namespace}` },
    event: { sequence, id: `e${sequence}` },
    object: {
      apiVersion: 'g/v1',
      kind: 'Kustomization',
      namespace: 'apps',
      name: `app${sequence % 7}`,
      uid: 'u',
    },
    severity: 'info',
    reason: 'Test',
    timestamp: '2026-01-02T03:04:05Z',
  };
}

it('makes the oldest of a namespace go that is over its share, and of nobody else', async (t) => {
  const { room, put, queued, dead, told, deliveries, metrics, lines } = await setup(t);
  const done = await room.makeFor('calm', 1);
  await put('calm', 1);
  done();
  for (let sequence = 1; sequence <= 3 * SHARE; sequence++) {
    const done = await room.makeFor('loud', 1);
    await put('loud', sequence);
    done();
  }
  const left = await queued('loud');
  assert.ok(left <= SHARE && left >= 0.8 * SHARE, `${left} are queued`);
  assert.equal(await queued('calm'), 1);
  const letters = (await dead('loud')).map(({ event }) => event?.data as DeadLetter);
  assert.equal(letters.length, 3 * SHARE - left);
  assert.deepEqual(
    letters.map(({ event }) => event?.sequence),
    Array.from(letters, (_, index) => index + 1),
  );
  assert.equal(letters[0]?.cause, 'share');
  assert.match(letters[0]?.why ?? '', /more than 100 deliveries of the namespace waited/);
  assert.deepEqual(await dead('calm'), []);
  const [oldest] = await deliveries.oldest(deliveryFilter('test', 'loud'), 1);
  assert.equal(oldest?.event?.id, `e${letters.length + 1}/uid-of-loud`);
  const counted = `weir_dead_letters_total{cause="share"} ${letters.length}\n`;
  assert.ok((await metrics.expose()).includes(counted));
  assert.ok(told.length > 0 && told.every((line) => /^loud\/chat: more than 100 deliv/.test(line)));
  assert.ok(lines.some((line) => line.includes('given up unsent') && line.includes('loud')));
});

it('makes room in a full stream at the cost of whoever has the most in it', async (t) => {
  const { room, put, queued } = await setup(t);
  for (let sequence = 1; sequence <= 50; sequence++) await put('loud', sequence);
  for (let sequence = 1; sequence <= 20; sequence++) await put('calm', sequence);
  await room.makeSome();
  assert.deepEqual([await queued('loud'), await queued('calm')], [45, 20]);
});

it('keeps the newest thousand dead letters of a namespace', async (t) => {
  const { room, put, dead, deliveries } = await setup(t);
  for (let sequence = 1; sequence <= 1_250; sequence++) await put('loud', sequence);
  await room.makeFor('loud', 1);
  const letters = await dead('loud');
  assert.ok(letters.length >= 1_000 && letters.length < 1_100, `${letters.length} dead letters`);
  assert.equal(letters.at(-1)?.event?.id, 'dead/e1151/uid-of-loud');
  assert.equal((await deliveries.oldest(deliveryFilter('test'), 1_000)).length, 99);
});

it('counts what others are about to put, too', async (t) => {
  const { room, put, queued } = await setup(t);
  let sequence = 0;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      const done = await room.makeFor('loud', 10);
      await Promise.all(Array.from({ length: 10 }, () => put('loud', ++sequence)));
      done();
    }),
  );
  const left = await queued('loud');
  assert.ok(left <= SHARE && left >= 0.8 * SHARE, `${left} are queued`);
});
