import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createCorrelator, type KubernetesEvent } from './correlate.ts';

let made = 0;

function event(message: string, object = 'app'): KubernetesEvent {
  made += 1;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${object}.${made}`, namespace: 'ns' },
    involvedObject: { apiVersion: 'v1', kind: 'Thing', namespace: 'ns', name: object, uid: object },
    type: 'Normal',
    reason: 'Test',
    message,
    count: 1,
    firstTimestamp: `first ${made}`,
    lastTimestamp: `last ${made}`,
    source: { component: 'c' },
    reportingComponent: 'c',
    reportingInstance: 'i',
  };
}

it('counts up an event that happens again, and tells objects apart', () => {
  const { correlate } = createCorrelator();
  const first = event('same');
  assert.equal(correlate(first).write, 'create');
  const again = correlate(event('same'));
  assert.equal(again.write, 'update');
  if (again.write !== 'update') return;
  assert.equal(again.event.count, 2);
  assert.equal(again.event.metadata.name, first.metadata.name);
  assert.equal(again.event.firstTimestamp, first.firstTimestamp);
  assert.notEqual(again.event.lastTimestamp, first.lastTimestamp);
  assert.equal(correlate(event('same', 'other')).write, 'create');
  assert.equal(correlate(event('different')).write, 'create');
});

it('combines events that differ by their message only, for ten minutes', () => {
  let now = 0;
  const { correlate } = createCorrelator(() => now);
  const messages = Array.from({ length: 12 }, (_, i) => {
    const correlated = correlate(event(`number ${i}`));
    return correlated.write === 'nothing' ? '' : `${correlated.write} ${correlated.event.message}`;
  });
  assert.equal(messages[8], 'create number 8');
  assert.equal(messages[9], 'create (combined from similar events): number 9');
  assert.equal(messages[10], 'update (combined from similar events): number 10');
  now += 10 * 60_000 + 1;
  const later = correlate(event('number 12'));
  assert.ok(later.write === 'create' && later.event.message === 'number 12');
});

it('lets an object write 25 events at once, and then one in five minutes', () => {
  let now = 0;
  const { correlate } = createCorrelator(() => now);
  const write = () => correlate(event('again')).write;
  for (let i = 0; i < 25; i++) assert.notEqual(write(), 'nothing', `event ${i}`);
  assert.equal(write(), 'nothing');
  now += 5 * 60_000;
  assert.equal(write(), 'update');
  assert.equal(write(), 'nothing');
  assert.equal(correlate(event('again', 'other')).write, 'create');
});

it('begins anew for an Event that is gone', () => {
  const { correlate, forget } = createCorrelator();
  const first = correlate(event('same'));
  if (first.write !== 'nothing') forget(first.key);
  assert.equal(correlate(event('same')).write, 'create');
});
