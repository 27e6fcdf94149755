import assert from 'node:assert/strict';
import { it } from 'node:test';
import { encodeCloudEvent } from './cloudevents.ts';
import { createRecentlyPublished } from './recently-published.ts';

const bytesOf = (id: string, data: unknown = {}) =>
  encodeCloudEvent({ id, source: '/t', type: 't', subject: 's', time: new Date(), data });

it('gives what was published once, and not after a few seconds', () => {
  let nowMs = 0;
  const recent = createRecentlyPublished(() => nowMs);
  const place = { sequence: 1, subject: 'a' };
  recent.add(place, bytesOf('1'));
  assert.equal(recent.take({ ...place, subject: 'b' }), undefined);
  assert.equal(recent.take(place)?.id, '1');
  assert.equal(recent.take(place), undefined);
  recent.add(place, bytesOf('1'));
  nowMs = 6_000;
  assert.equal(recent.take(place), undefined);
  recent.add(place, bytesOf('1'));
  recent.clear();
  assert.equal(recent.take(place), undefined);
});

it('keeps four megabytes at most', () => {
  const recent = createRecentlyPublished(() => 0);
  const large = bytesOf('1', 'x'.repeat(1024 ** 2));
  for (let sequence = 1; sequence <= 8; sequence++) recent.add({ sequence, subject: 'a' }, large);
  assert.equal(recent.take({ sequence: 1, subject: 'a' }), undefined);
  assert.ok(recent.take({ sequence: 8, subject: 'a' }));
});
