import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDriftBackoff } from './drift-backoff.ts';

const drift = (name: string, owner = 'n/app') => ({
  owner,
  id: { group: '', kind: 'ConfigMap', namespace: 'n', name },
});

test('a few repairs come at once, more of them later and later', () => {
  const repairOf = createDriftBackoff(() => 0);
  const repairs = Array.from({ length: 6 }, () => repairOf(drift('a')));
  assert.deepEqual(
    repairs.map(({ delayMs }) => delayMs),
    [0, 0, 0, 2_000, 4_000, 8_000],
  );
  assert.deepEqual(
    repairs.map(({ isRepeated }) => isRepeated),
    [false, false, false, true, false, false],
  );
  assert.equal(repairOf(drift('b')).delayMs, 0);
  assert.equal(repairOf(drift('a', 'n/other')).delayMs, 0);
  assert.equal(Array.from({ length: 20 }, () => repairOf(drift('a'))).at(-1)?.delayMs, 300_000);
});

test('an object that is left alone starts anew', () => {
  let time = 0;
  const repairOf = createDriftBackoff(() => time);
  for (let i = 0; i < 5; i++) repairOf(drift('a'));
  time = 64_000;
  assert.equal(repairOf(drift('a')).delayMs, 8_000);
  time += 68_001;
  assert.equal(repairOf(drift('a')).delayMs, 0);
});
