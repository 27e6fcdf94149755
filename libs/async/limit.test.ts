import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLimit } from './limit.ts';
import { controlled } from './testing.ts';

test('limit: no more than the maximum run at a time, and each gets its turn', async () => {
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
