import assert from 'node:assert/strict';
import { test } from 'node:test';
import { superfluous } from './prune-history.ts';

const stored = (...versions: string[]) =>
  versions.map((text) => {
    const [version, status = 'superseded'] = text.split(' ');
    return { version: Number(version), status };
  });

test('the oldest versions go, until there is room', () => {
  assert.deepEqual(superfluous(stored('4 deployed', '3', '2', '1'), 2), [1, 2]);
  assert.deepEqual(superfluous(stored('2 deployed', '1'), 4), []);
  assert.deepEqual(superfluous([], 4), []);
});

test('the version that is deployed stays, however old it is', () => {
  assert.deepEqual(superfluous(stored('4 failed', '3 failed', '2 deployed', '1'), 2), [1, 3]);
  assert.deepEqual(superfluous(stored('2 failed', '1 deployed'), 0), [2]);
});

test('of several that are deployed only the highest stays', () => {
  assert.deepEqual(superfluous(stored('3 deployed', '2', '1 deployed'), 1), [1, 2]);
});
