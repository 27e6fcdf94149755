import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSerial } from './serial.ts';
import { controlled } from './testing.ts';

test('serial: the work of one key runs one after another, and a failure rejects only its own call', async () => {
  const serial = createSerial();
  const { runs, work } = controlled();
  const first = serial('a', work);
  const second = serial('a', work);
  await serial('b', async () => 0);
  assert.equal(runs.length, 1);
  runs[0]?.reject(new Error('no'));
  await assert.rejects(first, /no/);
  await serial('b', async () => 0);
  assert.equal(runs.length, 2);
  runs[1]?.resolve(2);
  assert.equal(await second, 2);
});
