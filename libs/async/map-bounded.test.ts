import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapBounded } from './map-bounded.ts';

test('results keep their order and the limit holds', async () => {
  let running = 0;
  let most = 0;
  const results = await mapBounded([3, 1, 2, 0], 2, async (n) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < n; i++) await new Promise(setImmediate);
    running--;
    return n * 2;
  });
  assert.deepEqual(results, [6, 2, 4, 0]);
  assert.equal(most, 2);
});

test('the failure of the first item in the list is thrown, and no further item is begun', async () => {
  const begun: number[] = [];
  const run = mapBounded([0, 1, 2, 3], 2, async (n) => {
    begun.push(n);
    if (n === 0) await new Promise(setImmediate);
    throw new Error(`item ${n}`);
  });
  await assert.rejects(run, /item 0/);
  assert.deepEqual(begun, [0, 1]);
});
