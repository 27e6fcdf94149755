import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '@weir/controller';
import { RETRY } from './environment.ts';

test('what fails before it is stored is tried again less and less often, every ten minutes at the rarest', () => {
  const pauses = Array.from({ length: 40 }, (_, failures) => backoffMs(failures + 1, RETRY));
  for (const [index, ms] of pauses.slice(1).entries()) assert.ok(ms >= (pauses[index] ?? 0));
  assert.ok((pauses[0] ?? 0) <= 1_000);
  assert.equal(Math.max(...pauses), 600_000);
});
