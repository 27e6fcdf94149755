import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { acceptableAgeMs } from './intervals.ts';

test('only a run for the interval alone takes an older answer', () => {
  const ages = [['interval'], ['interval', 'requested'], ['spec'], ['retry'], []].map((causes) =>
    acceptableAgeMs(new Set(causes), 10_000),
  );
  deepEqual(ages, [5_000, 0, 0, 0, 0]);
});
