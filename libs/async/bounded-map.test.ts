import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBoundedMap } from './bounded-map.ts';

test('what was used least recently goes first', () => {
  const map = createBoundedMap<string, number>({ max: 2 });
  map.set('a', 1);
  map.set('b', 2);
  assert.equal(map.get('a'), 1);
  map.set('c', 3);
  assert.equal(map.get('b'), undefined);
  assert.equal(map.get('a'), 1);
  assert.equal(map.get('c'), 3);
});

test('entries count by their weight, and one that is too heavy is not kept', () => {
  const map = createBoundedMap<string, string>({ max: 5, weigh: (value) => value.length });
  map.set('a', 'xx');
  map.set('b', 'xxx');
  map.set('c', 'xxxxxx');
  assert.equal(map.get('c'), undefined);
  assert.equal(map.size(), 2);
  map.set('b', 'xxxx');
  assert.equal(map.get('a'), undefined);
  assert.equal(map.get('b'), 'xxxx');
  map.delete('b');
  map.set('a', 'xxxxx');
  assert.equal(map.size(), 1);
});
