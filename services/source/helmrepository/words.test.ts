import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { formatSize } from './words.ts';

test('sizes are written as Flux writes them', () => {
  const sizes = [0, 411, 999, 1_000, 1_368, 33_443_848, 5_000_000_000];
  deepEqual(sizes.map(formatSize), ['0B', '411B', '999B', '1kB', '1.368kB', '33.44MB', '5GB']);
});
