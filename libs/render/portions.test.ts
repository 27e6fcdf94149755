import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ignoreBodies, statusBodies } from './portions.ts';
import { openPool } from './testing/pool.ts';

const tenant = 'apps';
const parsed = (bodies: Iterable<string>) => [...bodies].map((body) => JSON.parse(body));

test('objects come in portions of a MiB, all of them and in their order', () => {
  const objects = Array.from({ length: 50 }, (_, n) => ({ n, text: 'x'.repeat(n * 4_000) }));
  const portions = parsed(statusBodies(objects, []));
  assert.ok(portions.length > 1);
  assert.deepEqual(
    portions.flatMap((portion) => portion.objects),
    objects,
  );
  for (const portion of portions) assert.deepEqual(portion.checks, []);
  for (const body of statusBodies(objects, undefined)) assert.ok(body.length < 1.1 * 1024 ** 2);
  const large = [{ text: 'x'.repeat(2 * 1024 ** 2) }, {}];
  assert.deepEqual(
    parsed(statusBodies(large, undefined)).map(({ objects: list }) => list.length),
    [1, 1],
  );
  assert.deepEqual(parsed(statusBodies([], undefined)), [{ objects: [] }]);
});

test('paths come in portions by what it takes to try the rules on them', () => {
  const paths = Array.from({ length: 25_000 }, (_, n) => `folder/${n}`);
  const one = parsed(ignoreBodies({ ignoreFiles: [], paths }));
  assert.deepEqual(
    one.flatMap((portion) => portion.paths),
    paths,
  );
  assert.equal(one.length, 3);
  const rules = '*.md\n'.repeat(1_000);
  const many = parsed(ignoreBodies({ rules, ignoreFiles: [], paths }));
  assert.deepEqual(
    many.flatMap((portion) => portion.paths),
    paths,
  );
  assert.ok(many.length > 20);
  assert.deepEqual([...ignoreBodies({ rules, ignoreFiles: [], paths: [] })], []);
  const long = Array.from({ length: 1_000 }, (_, n) => `${n}`.padEnd(4_096, 'x'));
  for (const body of ignoreBodies({ ignoreFiles: [], paths: long })) {
    assert.ok(body.length < 1.1 * 1024 ** 2);
  }
});

test('more ignore rules than anybody needs are refused', async (t) => {
  const pool = await openPool(t);
  const paths = ['a'];
  for (const rules of ['a\n'.repeat(10_000), 'a'.repeat(1024 ** 2 + 1)]) {
    for (const request of [
      { rules, ignoreFiles: [], paths },
      { ignoreFiles: [{ path: '.sourceignore', content: rules }], paths },
    ]) {
      await assert.rejects(pool.ignore(request, { tenant }), {
        reason: 'InvalidRequest',
        message: /^too many ignore rules: \d+ lines of \d+ characters/,
      });
    }
  }
});

test('the largest source with many rules is done in time, and others in between', async (t) => {
  const pool = await openPool(t);
  const paths = Array.from({ length: 20_000 }, (_, n) => `a/${n % 100}/b/${n}.yaml`);
  const rules = Array.from({ length: 500 }, (_, n) => `**/x${n}/*.md`).join('\n');
  const all = pool.ignore({ rules, ignoreFiles: [], paths }, { tenant });
  const objects = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }];
  const first = await Promise.race([
    all.then(() => 'all'),
    pool.status(objects, { tenant: 'other' }).then(() => 'status'),
  ]);
  assert.equal(first, 'status');
  assert.equal((await all).kept.length, paths.length);
  await assert.rejects(pool.ignore({ rules, ignoreFiles: [], paths }, { tenant, timeoutMs: 50 }), {
    reason: 'Timeout',
    message: 'rendering took longer than 50 ms',
  });
});

test('many objects are read in any number', async (t) => {
  const pool = await openPool(t, { memoryLimitBytes: 512 * 1024 ** 2 });
  const objects = Array.from({ length: 500 }, (_, n) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `n${n}` },
    data: { text: 'x'.repeat(100_000) },
  }));
  const statuses = await pool.status(objects, { tenant });
  assert.equal(statuses.length, objects.length);
  assert.ok(statuses.every(({ status }) => status === 'Current'));
});
