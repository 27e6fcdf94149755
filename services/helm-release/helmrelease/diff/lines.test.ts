import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedLines } from './lines.ts';

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);

test('texts that are the same have no changed lines', () => {
  assert.deepEqual(changedLines(['a', 'b'], ['a', 'b']), []);
  assert.deepEqual(changedLines([], []), []);
});

test('a change stands between the lines around it, and the rest is left out', () => {
  const before = numbered(20);
  const after = before.with(10, 'other');
  assert.deepEqual(changedLines(before, after), [
    '@@',
    ...['  line 7', '  line 8', '  line 9'],
    ...['- line 10', '+ other'],
    ...['  line 11', '  line 12', '  line 13'],
  ]);
});

test('what is new and what is gone is shown whole', () => {
  assert.deepEqual(changedLines([], ['a', 'b']), ['+ a', '+ b']);
  assert.deepEqual(changedLines(['a', 'b'], []), ['- a', '- b']);
});

test('lines that stay are found between those that go and come', () => {
  assert.deepEqual(changedLines(['a', 'b', 'c', 'd'], ['x', 'b', 'd', 'e']), [
    ...['- a', '+ x', '  b', '- c', '  d', '+ e'],
  ]);
});

test('very long changes are shown without being compared line by line', () => {
  const [before, after] = [numbered(5_000), numbered(5_000).map((line) => `new ${line}`)];
  const startedAt = performance.now();
  assert.equal(changedLines(before, after).length, 10_000);
  assert.ok(performance.now() - startedAt < 5_000);
});
