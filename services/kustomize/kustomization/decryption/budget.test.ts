import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '@weir/kms';
import type { UnwrapKey, WrappedKey } from '@weir/render';
import { withinBudget } from './budget.ts';

const { signal } = new AbortController();
const key = (address: string): WrappedKey => ({ kind: 'vault', address, name: 'k', wrapped: 'w' });
/** A service that does not answer before it is asked to end. */
const silent: UnwrapKey = (_, ending) =>
  new Promise((_resolve, reject) => {
    ending.addEventListener('abort', () => reject(new KmsError('late')));
  });

test('a build with ten thousand encrypted files asks a bounded number of times', async () => {
  let asked = 0;
  const unwrap = withinBudget(async () => {
    asked += 1;
    throw new KmsError('forbidden');
  });
  const messages = new Set<string>();
  for (let index = 0; index < 10_000; index++) {
    await unwrap(key('a'), signal).catch((error: Error) => messages.add(error.message));
  }
  assert.equal(asked, 1_000);
  assert.deepEqual(
    [...messages],
    ['forbidden', 'the build asks key management services more than 1000 times'],
  );
});

test('a service that does not answer is asked once, and the others go on', async () => {
  const answering: UnwrapKey = async ({ address }, ending) =>
    address === 'silent' ? silent(key('silent'), ending) : Buffer.from('key');
  const unwrap = withinBudget(answering, { callMs: 20 });
  await assert.rejects(unwrap(key('silent'), signal), /late/);
  const begun = performance.now();
  for (let index = 0; index < 100; index++) {
    await assert.rejects(unwrap(key('silent'), signal), /did not answer in time before/);
  }
  assert.ok(performance.now() - begun < 1_000);
  assert.equal(String(await unwrap(key('other'), signal)), 'key');
});

test('all services together have a time', async () => {
  const unwrap = withinBudget(silent, { callMs: 40, totalMs: 60 });
  await assert.rejects(unwrap(key('a'), signal), /late/);
  await assert.rejects(unwrap(key('b'), signal), /late/);
  await assert.rejects(unwrap(key('c'), signal), /took more than 0\.06 s of the build/);
});

test('regions of a cloud are services of their own, and a build that ends is no silent service', async () => {
  const unwrap = withinBudget(silent, { callMs: 10 });
  const arn = (region: string): WrappedKey => ({
    ...{ kind: 'aws', name: `arn:aws:kms:${region}:1:key/a`, wrapped: 'w' },
  });
  await assert.rejects(unwrap(arn('eu-west-1'), signal), /late/);
  await assert.rejects(unwrap(arn('eu-west-2'), signal), /late/);
  await assert.rejects(unwrap(arn('eu-west-1'), signal), /before/);
  const ended = AbortSignal.abort();
  const patient = withinBudget(async (_, ending) => {
    ending.throwIfAborted();
    return Buffer.from('key');
  });
  await assert.rejects(patient(key('a'), ended));
  assert.equal(String(await patient(key('a'), signal)), 'key');
});
