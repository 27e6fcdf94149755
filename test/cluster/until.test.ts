import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './until.ts';

test('returns the first truthy value, after errors and falsy values', async () => {
  let calls = 0;
  const value = await until(
    async () => {
      calls++;
      if (calls === 1) throw new Error('not yet');
      return calls > 2 && `call ${calls}`;
    },
    { timeoutMs: 5_000, intervalMs: 1, message: 'three calls' },
  );
  assert.equal(value, 'call 3');
});

test('the error says what was waited for and what the last check returned', async () => {
  const options = { timeoutMs: 30, intervalMs: 1, message: 'pigs to fly' };
  await assert.rejects(
    until(() => 0, options),
    { message: 'timed out after 30 ms waiting for pigs to fly; last seen: 0' },
  );
  const cause = new Error('no wings');
  const failing = until(() => Promise.reject(cause), options);
  await assert.rejects(failing, { message: /last seen: Error: no wings$/, cause });
});

test('a check that never answers does not hold it up', async () => {
  const never = Promise.withResolvers<true>();
  await assert.rejects(
    until(() => never.promise, { timeoutMs: 30, message: 'nothing' }),
    /the check has not answered/,
  );
});

test('an abort ends the wait', async () => {
  const signal = AbortSignal.timeout(20);
  await assert.rejects(
    until(() => false, { timeoutMs: 60_000, message: 'x', signal }),
    {
      name: /AbortError|TimeoutError/,
    },
  );
});
