import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLossCounter } from './losses.ts';

it('counts what the stream removed behind the last delivery, once', () => {
  const lost = createLossCounter();
  assert.equal(lost({ deliveries: 5, delivered: 5, first: 1 }), 0);
  assert.equal(lost({ deliveries: 5, delivered: 5, first: 6 }), 0);
  assert.equal(lost({ deliveries: 5, delivered: 5, first: 10 }), 4);
  assert.equal(lost({ deliveries: 5, delivered: 5, first: 10 }), 0);
  assert.equal(lost({ deliveries: 5, delivered: 5, first: 12 }), 2);
  assert.equal(lost({ deliveries: 9, delivered: 15, first: 12 }), 0);
});

it('counts nothing from before the consumer was made', () => {
  const lost = createLossCounter();
  assert.equal(lost({ deliveries: 0, delivered: 0, first: 1_000 }), 0);
  assert.equal(lost({ deliveries: 0, delivered: 0, first: 1_003 }), 3);
});

it('begins anew with a stream that was made anew', () => {
  const lost = createLossCounter();
  assert.equal(lost({ deliveries: 5, delivered: 90, first: 101 }), 10);
  assert.equal(lost({ deliveries: 0, delivered: 0, first: 1 }), 0);
  assert.equal(lost({ deliveries: 2, delivered: 2, first: 5 }), 2);
});
