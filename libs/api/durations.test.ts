import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DurationError, formatDuration, parseDuration } from './durations.ts';

/** As Go's time.ParseDuration and Duration.String give them. */
const PAIRS: [string, number][] = [
  ['0s', 0],
  ['1ns', 1e-6],
  ['1µs', 1e-3],
  ['1.5µs', 1.5e-3],
  ['100ms', 100],
  ['1.5ms', 1.5],
  ['1s', 1000],
  ['1.234s', 1234],
  ['1m0s', 60_000],
  ['1m30.5s', 90_500],
  ['1h0m0s', 3_600_000],
  ['2h0m0.5s', 7_200_500],
  ['720h0m0s', 2_592_000_000],
  ['-1m30s', -90_000],
];

describe('formatDuration', () => {
  for (const [text, ms] of PAIRS) {
    it(`prints ${ms} ms as ${text}`, () => assert.equal(formatDuration(ms), text));
  }
});

describe('parseDuration', () => {
  const more: [string, number][] = [
    ...PAIRS,
    ['1h30m', 5_400_000],
    ['90s', 90_000],
    ['0', 0],
    ['+5s', 5000],
    ['.5s', 500],
    ['1.s', 1000],
    ['1us', 1e-3],
    ['30s1m', 90_000],
  ];
  for (const [text, ms] of more) {
    it(`reads ${text}`, () => assert.equal(parseDuration(text), ms));
  }

  for (const text of ['', '-', '5', '1d', 'm', '1 m', '1m ', '.s', '1h-5m', '1h 5', '1e3s']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseDuration(text), DurationError);
    });
  }

  it('takes one that is too long for Go as the longest', () => {
    const longest = parseDuration('2562047h47m16.854s');
    for (const text of ['2562048h', '99999999999999999999h', `${'9'.repeat(400)}h`]) {
      assert.equal(parseDuration(text), longest);
    }
    assert.equal(parseDuration('-99999999999999999999h'), -longest);
    assert.equal(formatDuration(longest), '2562047h47m16.854s');
  });

  it('reads back what formatDuration prints', () => {
    const wholeMs = fc.integer({ min: -1e12, max: 1e12 });
    fc.assert(fc.property(wholeMs, (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});
