import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFreshFlight, createSingleFlight } from './single-flight.ts';
import { controlled } from './testing.ts';

test('fresh flight: calls that come while work runs share the next run', async () => {
  const share = createFreshFlight<number>();
  const { runs, work } = controlled();
  const first = share('a', work);
  const second = share('a', work);
  const third = share('a', work);
  const other = share('b', work);
  assert.equal(runs.length, 2, 'one for each key');
  runs[0]?.resolve(1);
  runs[1]?.resolve(9);
  assert.equal(await first, 1);
  assert.equal(await other, 9);
  assert.equal(runs.length, 3);
  runs[2]?.resolve(2);
  assert.deepEqual(await Promise.all([second, third]), [2, 2]);
  const later = share('a', work);
  runs[3]?.resolve(3);
  assert.equal(await later, 3);
});

test('fresh flight: a failure does not reject calls that came later', async () => {
  const share = createFreshFlight<number>();
  const { runs, work } = controlled();
  const first = share('a', work);
  const second = share('a', work);
  runs[0]?.reject(new Error('no'));
  await assert.rejects(first, /no/);
  runs[1]?.resolve(2);
  assert.equal(await second, 2);
});

test('single flight: all calls that come during a run share it', async () => {
  const share = createSingleFlight<number>();
  const { runs, work } = controlled();
  const both = [share('a', work), share('a', work)];
  assert.equal(runs.length, 1);
  runs[0]?.resolve(1);
  assert.deepEqual(await Promise.all(both), [1, 1]);
  const again = share('a', work);
  assert.equal(runs.length, 2);
  runs[1]?.resolve(2);
  assert.equal(await again, 2);
});
