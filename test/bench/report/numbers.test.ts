import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatNumber, formatRatio, formatValue } from './numbers.ts';

it('writes at most three digits of small numbers, and all digits of large ones', () => {
  const written = [0, 0.0123, 0.5, 1, 2.345, 12.34, 100, 1234.5, 1_234_567].map(formatNumber);
  const expected = ['0', '0.012', '0.5', '1', '2.35', '12.3', '100', '1,235', '1,234,567'];
  assert.deepEqual(written, expected);
});

it('writes the unit, except that of what is counted', () => {
  assert.equal(formatValue(1.5, 's'), '1.5 s');
  assert.equal(formatValue(1_500, 'requests'), '1,500');
  assert.equal(formatValue(undefined, 's'), '');
});

it('gives no ratio to zero', () => {
  assert.equal(formatRatio(30, 2), '15x');
  assert.equal(formatRatio(30, 0), '');
  assert.equal(formatRatio(0, 0), '=');
  assert.equal(formatRatio(undefined, 2), '');
});
