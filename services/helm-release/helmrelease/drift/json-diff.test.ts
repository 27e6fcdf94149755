import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonDiff } from './json-diff.ts';

test('equal values differ in nothing', () => {
  const value = { a: [1, { b: null }], c: 'text' };
  assert.deepEqual(jsonDiff(value, structuredClone(value)), []);
});

test('keys are compared in the order of their bytes, and escaped', () => {
  const source = {
    'b/c': 'first text',
    'a~': 'second text',
    z: 'unchanged, and so long that nothing is replaced',
  };
  const target = { ...source, 'b/c': 'other text', 'a~': 'another text' };
  assert.deepEqual(jsonDiff(source, target), [
    { op: 'replace', path: '/a~0', value: 'another text' },
    { op: 'replace', path: '/b~1c', value: 'other text' },
  ]);
});

test('items of lists are compared by their places', () => {
  const long = 'a text that is long enough for a patch of single operations to be the shorter one';
  assert.deepEqual(
    jsonDiff({ list: [long, long, 'x', 'y'] }, { list: [long, long] }),
    [{ op: 'replace', path: '/list', value: [long, long] }]
      .slice(1)
      .concat([
        { op: 'remove', path: '/list/2' } as never,
        { op: 'remove', path: '/list/2' } as never,
      ]),
  );
  assert.deepEqual(jsonDiff({ list: [long] }, { list: [long, 'x'] }), [
    { op: 'add', path: '/list/-', value: 'x' },
  ]);
});

test('many small operations become one replacement where that is shorter', () => {
  assert.deepEqual(jsonDiff({ data: { a: 1, b: 2 } }, { data: { a: 3, b: 4 } }), [
    { op: 'replace', path: '/data', value: { a: 3, b: 4 } },
  ]);
});

test('values of different kinds are replaced, and null is a kind', () => {
  const more = 'something that makes a replacement of the whole longer than one of a part of it';
  assert.deepEqual(jsonDiff({ a: null, more }, { a: {}, more }), [
    { op: 'replace', path: '/a', value: {} },
  ]);
  assert.deepEqual(jsonDiff([], {}), [{ op: 'add', path: '', value: {} }]);
});
