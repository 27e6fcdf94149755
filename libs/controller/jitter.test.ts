import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withJitter } from './jitter.ts';

const next = (share: number, drawn: number) =>
  withJitter({ requeueAfterMs: 60_000 }, share, () => drawn);

test('the next run comes earlier or later by a share of its time', () => {
  assert.deepEqual(next(0.05, 0), { requeueAfterMs: 57_000 });
  assert.deepEqual(next(0.05, 0.5), { requeueAfterMs: 60_000 });
  assert.deepEqual(next(0.05, 1), { requeueAfterMs: 63_000 });
});

test('without a share it is on time, and what does not come again has no time', () => {
  assert.deepEqual(next(0, 0.9), { requeueAfterMs: 60_000 });
  assert.deepEqual(withJitter({}, 0.05), {});
});
