import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { describeDeliveries } from './deliveries.ts';
import { createDeadLetters } from './delivery/dead-letters.ts';
import { createOutcomes } from './delivery/outcomes.ts';
import type { Delivery } from './delivery/record.ts';
import { deliveryFilter, deliverySubject } from './delivery/subjects.ts';
import { alertOf, eventOf } from './testing/fixtures.ts';

const object = eventOf().involvedObject;

it('shows what was delivered, waits and was given up, and has dead letters sent again', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const { log, metrics } = bus;
  const ask = (more: { namespace?: string; alert?: string; replay?: boolean } = {}) =>
    describeDeliveries({ bus, log, replay: false, ...more });
  assert.equal(await ask(), 'Nothing was delivered, waits or was given up.\n');

  const deliveries = openQueue({ bus, stream: 'weir-deliveries', log });
  const deadLetters = createDeadLetters({
    ...{ cluster: 'test', bus, deliveries, metrics, log },
    deadLetters: openQueue({ bus, stream: 'weir-dead-letters', log }),
  });
  const put = (namespace: string, name: string, id: string) => {
    const alert = { namespace, name, uid: `uid-of-${name}` };
    const event = { sequence: 1, id };
    const { severity, reason, timestamp } = eventOf();
    const data: Delivery = { alert, event, object, severity, reason, timestamp };
    const subject = deliverySubject('test', {
      alert,
      object: { ...object, group: object.apiVersion },
    });
    return deliveries.publish({ subject, id, type: 'weir.delivery', source: '/t', data });
  };
  for (const id of ['e1', 'e2']) await put('apps', 'chat', id);
  await put('infra', 'pager', 'e3');
  const [given, , other] = await deliveries.oldest(deliveryFilter('test'), 3);
  assert.ok(given && other);
  await deadLetters.giveUp(given, 'retries', 'request failed\nwith status code 401\x1b[2J');
  await deadLetters.giveUp(other, 'retries', 'no answer');
  for (const instance of ['n-0', 'n-1']) {
    const queue = openQueue({ bus, stream: 'weir-outcomes', log });
    const outcomes = createOutcomes({ cluster: 'test', instance, queue, log });
    const alert = { ...alertOf(), metadata: { namespace: 'apps', name: 'chat', uid: 'u' } };
    outcomes.record(alert, { result: 'sent', object: 'Kustomization/apps/web' });
    outcomes.record(alert, {
      result: 'failed',
      object: `Kustomization/apps/${instance}`,
      why: 'x',
    });
    await outcomes.flush();
  }

  const all = await ask();
  assert.match(all, /^ALERT +WAITING +DEAD LETTERS +SENT +FAILED +LAST SENT +LAST FAILURE$/m);
  assert.match(
    all,
    /^apps\/chat +1 +1 +2 +2 +\S+ Kustomization\/apps\/web +\S+ Kustomization\/apps\/n-1: x$/m,
  );
  assert.match(all, /^infra\/pager +0 +1 +0 +0 +- +-$/m);
  assert.match(
    all,
    /apps\/chat Kustomization\/flux-system\/apps \(retries\): request failed with status code 401 \[2J$/m,
  );
  assert.doesNotMatch(await ask({ namespace: 'apps' }), /infra/);
  assert.match(await ask({ namespace: 'apps', alert: 'nope' }), /^Nothing/);

  const replayed = await ask({ namespace: 'apps', alert: 'chat', replay: true });
  assert.match(replayed, /^1 dead letters are sent again\./);
  assert.match(replayed, /^apps\/chat +2 +0 /m);
  const again = (await deliveries.oldest(deliveryFilter('test'), 9)).at(-1)?.event
    ?.data as Delivery;
  assert.deepEqual(
    [again.event.id, again.alert.name, Object.hasOwn(again, 'why')],
    ['e1', 'chat', false],
  );
  assert.match(await ask({ replay: true }), /^1 dead letters/);
  assert.match(await ask({ replay: true }), /^0 dead letters/);
});
