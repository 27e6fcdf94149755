import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { acceptableAgeMs, intervalMs } from './intervals.ts';

test('an interval below the floor of the operator counts as the floor', () => {
  const spoken = ['1ms', '0s', '-5m', '999ms', '1s', '1m30s'];
  deepEqual(
    spoken.map((text) => intervalMs(text, 1_000)),
    [1_000, 1_000, 1_000, 1_000, 1_000, 90_000],
  );
});

test('only a run for the interval alone takes an older answer', () => {
  const ages = [['interval'], ['interval', 'requested'], ['spec'], ['retry'], []].map((causes) =>
    acceptableAgeMs(new Set(causes), 10_000),
  );
  deepEqual(ages, [5_000, 0, 0, 0, 0]);
});
