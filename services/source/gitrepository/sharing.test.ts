import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFreshSharing, createLimit, createQueues, createSharing } from './sharing.ts';

/** Work that ends when told to, and how often it was begun. */
function controlled() {
  const runs: PromiseWithResolvers<number>[] = [];
  return {
    runs,
    work: () => {
      const run = Promise.withResolvers<number>();
      runs.push(run);
      return run.promise;
    },
  };
}

test('fresh sharing: who comes while work runs shares the next one', async () => {
  const share = createFreshSharing<number>();
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

test('fresh sharing: a failure is not handed to who came later', async () => {
  const share = createFreshSharing<number>();
  const { runs, work } = controlled();
  const first = share('a', work);
  const second = share('a', work);
  runs[0]?.reject(new Error('no'));
  await assert.rejects(first, /no/);
  runs[1]?.resolve(2);
  assert.equal(await second, 2);
});

test('sharing: one run for all who come while it runs', async () => {
  const share = createSharing<number>();
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

test('queues: one at a time a key, and a failure ends only its own', async () => {
  const queue = createQueues();
  const { runs, work } = controlled();
  const first = queue('a', work);
  const second = queue('a', work);
  await queue('b', async () => 0);
  assert.equal(runs.length, 1);
  runs[0]?.reject(new Error('no'));
  await assert.rejects(first, /no/);
  await queue('b', async () => 0);
  assert.equal(runs.length, 2);
  runs[1]?.resolve(2);
  assert.equal(await second, 2);
});

test('limit: so many at a time, and each gets its turn', async () => {
  const limit = createLimit(2);
  const { runs, work } = controlled();
  const all = [limit(work), limit(work), limit(work), limit(work)];
  assert.equal(runs.length, 2);
  runs[0]?.reject(new Error('no'));
  await assert.rejects(all[0] ?? Promise.resolve(), /no/);
  assert.equal(runs.length, 3);
  runs[1]?.resolve(1);
  runs[2]?.resolve(2);
  assert.deepEqual(await Promise.all([all[1], all[2]]), [1, 2]);
  runs[3]?.resolve(3);
  assert.equal(await all[3], 3);
  const later = limit(work);
  runs[4]?.resolve(4);
  assert.equal(await later, 4);
});
