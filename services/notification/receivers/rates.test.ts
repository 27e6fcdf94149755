import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createRates } from './rates.ts';

it('lets each key do so much at once, and then so much a second', () => {
  let nowMs = 0;
  const take = createRates({ burst: 3, perSecond: 2 }, () => nowMs);
  const times = (key: string, count: number) =>
    Array.from({ length: count }, () => take(key)).filter(Boolean).length;
  assert.equal(times('a', 10), 3);
  assert.equal(times('b', 10), 3);
  nowMs = 1_000;
  assert.equal(times('a', 10), 2);
  nowMs = 60_000;
  assert.equal(times('a', 10), 3);
});
