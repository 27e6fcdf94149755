import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFairLimit } from './fair-limit.ts';
import { controlled } from './testing.ts';

test('one tenant alone never holds the last slots, and others get in at once', async () => {
  const limit = createFairLimit(16);
  const greedy = controlled();
  const modest = controlled();
  for (let n = 0; n < 40; n++) void limit.run('greedy', greedy.work);
  await turn();
  assert.equal(greedy.runs.length, 12);
  void limit.run('modest', modest.work);
  await turn();
  assert.equal(modest.runs.length, 1);
  assert.deepEqual(limit.load(), { waiting: 28, running: 13 });
});

test('a free slot goes to the tenant with the fewest running pieces of work', async () => {
  const limit = createFairLimit(2);
  const first = controlled();
  const second = controlled();
  const other = controlled();
  void limit.run('a', first.work);
  void limit.run('b', second.work);
  const waiting = [limit.run('a', first.work), limit.run('c', other.work)];
  await turn();
  second.runs[0]?.resolve(1);
  await turn();
  assert.equal(other.runs.length, 1, 'c had nothing at work');
  assert.equal(first.runs.length, 1);
  first.runs[0]?.resolve(1);
  await turn();
  first.runs[1]?.resolve(2);
  other.runs[0]?.resolve(3);
  assert.deepEqual(await Promise.all(waiting), [2, 3]);
});

test('with one slot every tenant gets a turn', async () => {
  const limit = createFairLimit(1);
  assert.deepEqual(
    await Promise.all(['a', 'a', 'b'].map((name) => limit.run(name, async () => name))),
    ['a', 'a', 'b'],
  );
});

test('an aborted caller leaves the line; a failure frees the slot', async () => {
  const limit = createFairLimit(1);
  const { runs, work } = controlled();
  const running = limit.run('a', work);
  const stop = new AbortController();
  const given = limit.run('b', work, stop.signal);
  await turn();
  stop.abort(new Error('enough'));
  await assert.rejects(given, /enough/);
  runs[0]?.reject(new Error('no'));
  await assert.rejects(running, /no/);
  assert.deepEqual(limit.load(), { waiting: 0, running: 0 });
  assert.equal(runs.length, 1);
});

/** Resolves when all promises that could settle have settled. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
