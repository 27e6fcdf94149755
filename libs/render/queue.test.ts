import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXAMPLE, MEDIUM, packFiles, SLOW } from './testing/artifact.ts';
import { engines, inputs, NEVER_ENDS, openPool } from './testing/pool.ts';

const hostile = 'hostile';
const tenant = 'good';

/** Rejects when the work takes longer; a tenant that needs to wait for others takes minutes here. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work;
  const took = Math.round(performance.now() - begun);
  assert.ok(took < limitMs, `it took ${took} ms`);
  return result;
}

test('what runs beside a request over its time goes on', async (t) => {
  const pool = await openPool(t, { size: 2 });
  const [slow, medium] = await Promise.all([packFiles(t, SLOW), packFiles(t, MEDIUM)]);
  const beside = pool.build({ artifact: medium, path: 'app' }, { tenant });
  const [besidePid] = pool.pids();
  const late = pool.build({ artifact: slow, path: 'app' }, { tenant: hostile, timeoutMs: 100 });
  await assert.rejects(late, { reason: 'Timeout' });
  assert.equal((await beside).objects.length, 1);
  assert.ok(pool.pids().includes(besidePid ?? 0), 'its engine is the same');
});

test('a tenant whose builds never end delays no other', async (t) => {
  const pool = await openPool(t, { size: 2, patienceMs: 300 });
  const [slow, example] = await Promise.all([packFiles(t, SLOW), packFiles(t, EXAMPLE)]);
  let ended = 0;
  const given = Array.from({ length: 12 }, () => {
    const never = pool.build({ artifact: slow, path: 'app' }, { tenant: hostile });
    return assert.rejects(never, { reason: 'Closed' }).finally(() => (ended += 1));
  });
  for (let n = 0; n < 10; n += 1) {
    const request = { artifact: example, path: 'base' };
    const { objects } = await within(5_000, pool.build(request, { tenant }));
    assert.equal(objects.length, 2);
  }
  assert.equal(ended, 0);
  await pool.close();
  await Promise.all(given);
});

test('a build that takes long ends all the same, beside others that are quick', async (t) => {
  const pool = await openPool(t, { patienceMs: 50 });
  const [medium, example] = await Promise.all([packFiles(t, MEDIUM), packFiles(t, EXAMPLE)]);
  const long = pool.build({ artifact: medium, path: 'app' }, { tenant: hostile });
  const quick = Array.from({ length: 10 }, () =>
    pool.build({ artifact: example, path: 'base' }, { tenant }),
  );
  for (const { objects } of await Promise.all(quick)) assert.equal(objects.length, 2);
  assert.equal((await long).objects.length, 1);
  assert.equal(pool.pids().length, 2, 'it ran on an engine of its own');
  const [forQuick] = pool.pids();
  await pool.build({ artifact: medium, path: 'app' }, { tenant: hostile });
  assert.equal(pool.pids()[0], forQuick, 'it ran there at once the second time');
});

test('those that take long wait for each other by turns', async (t) => {
  const pool = await openPool(t, { patienceMs: 100 });
  const [slow, medium] = await Promise.all([packFiles(t, SLOW), packFiles(t, MEDIUM)]);
  const given = [1, 2, 3].map(() =>
    assert.rejects(pool.build({ artifact: slow, path: 'app' }, { tenant: hostile }), {
      reason: 'Closed',
    }),
  );
  for (const path of ['app', './app']) {
    const { objects } = await within(20_000, pool.build({ artifact: medium, path }, { tenant }));
    assert.equal(objects.length, 1);
  }
  await pool.close();
  await Promise.all(given);
});

test('while nobody waits, a build takes its time', async (t) => {
  const pool = await openPool(t, { patienceMs: 1 });
  const artifact = await packFiles(t, MEDIUM);
  assert.equal((await pool.build({ artifact, path: 'app' }, { tenant })).objects.length, 1);
  assert.equal(pool.pids().length, 1);
});

test('what is quick waits for no build, and no expression of another tenant', async (t) => {
  const pool = await openPool(t, { size: 1 });
  const artifact = await packFiles(t, SLOW);
  const stop = new AbortController();
  const options = { tenant: hostile, signal: stop.signal };
  const given = Array.from({ length: 6 }, () => [
    assert.rejects(pool.build({ artifact, path: 'app' }, options), { reason: 'Aborted' }),
    assert.rejects(pool.evaluate({ expression: NEVER_ENDS, inputs }, options), {
      reason: 'Aborted',
    }),
  ]).flat();
  await engines(pool, 2);
  const objects = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }];
  for (let n = 0; n < 10; n += 1) {
    await within(1_000, pool.status(objects, { tenant }));
    await within(1_000, pool.semver({ range: '1', versions: ['1.0.0'] }, { tenant }));
    await within(
      1_000,
      pool.evaluate({ expression: 'self.a == 1', inputs: [{ self: { a: 1 } }] }, { tenant }),
    );
  }
  stop.abort();
  await Promise.all(given);
});

test('several hostile tenants delay others by moments', async (t) => {
  const pool = await openPool(t);
  const stop = new AbortController();
  const given = ['a', 'b', 'c', 'd'].map((one) =>
    assert.rejects(
      pool.evaluate({ expression: NEVER_ENDS, inputs }, { tenant: one, signal: stop.signal }),
      { reason: 'Aborted' },
    ),
  );
  const quick = pool.semver({ range: '1', versions: ['1.0.0'] }, { tenant });
  await within(3_000, quick);
  stop.abort();
  await Promise.all(given);
});

test('an expression that never ends is ended, and only that', async (t) => {
  const pool = await openPool(t);
  const never = pool.evaluate(
    { expression: NEVER_ENDS, inputs },
    { tenant: hostile, timeoutMs: 300 },
  );
  const beside = pool.evaluate(
    { expression: 'self.a == 1', inputs: [{ self: { a: 1 } }] },
    { tenant },
  );
  assert.deepEqual(await beside, [{ value: true }]);
  await assert.rejects(never, { reason: 'Timeout' });
});
