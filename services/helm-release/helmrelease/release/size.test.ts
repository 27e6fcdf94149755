import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireSize } from './size.ts';

const stored = (bytes: number) => ({
  payload: '',
  digest: '',
  bytes,
  largest: [
    { what: 'chart files/dashboards.json', bytes: 3_400_000 },
    { what: 'manifest', bytes: 90_000 },
  ],
});

test('a release that leaves room for later writes fits', () => {
  assert.doesNotThrow(() => requireSize(stored(1_000_000), 10));
});

test('one that does not is refused with its size and what makes it so', () => {
  assert.throws(() => requireSize(stored(1_500_000), 0), {
    message:
      "the release is too large for Helm's storage: 1.43 MiB compressed and encoded, of 1023 KiB at most. " +
      'Largest before compression: chart files/dashboards.json 3.24 MiB, manifest 88 KiB. ' +
      'Take files out of the chart that its templates do not use (.helmignore), or split it',
  });
});

test('every hook needs room for its runs', () => {
  const bytes = 1_048_576 - 1_024 - 100;
  assert.doesNotThrow(() => requireSize(stored(bytes), 1));
  assert.throws(() => requireSize(stored(bytes), 2));
});
