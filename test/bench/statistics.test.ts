import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quantile, summarize } from './statistics.ts';

describe('a summary', () => {
  it('does not depend on the order', () => {
    const summary = { count: 5, min: 1, median: 3, p90: 4.6, max: 5 };
    assert.deepEqual(summarize([5, 3, 1, 2, 4]), summary);
  });

  it('lies between the two in the middle of an even series', () => {
    assert.equal(quantile([10, 20], 0.5), 15);
  });

  it('is not made up for an empty series', () => {
    assert.throws(() => summarize([]), /without values/);
  });
});
