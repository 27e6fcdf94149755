import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lostBetween } from './losses.ts';

it('counts the numbers between what was seen and what is left', () => {
  assert.equal(lostBetween(5, 6), 0);
  assert.equal(lostBetween(5, 10), 4);
  assert.equal(lostBetween(10, 3), 0);
  assert.equal(lostBetween(0, 1), 0);
});
