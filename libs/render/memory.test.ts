import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultEngineMemory, QUICK_ENGINES, shareMemory } from './memory.ts';
import { BOMB, EXAMPLE, HALF, MEDIUM, packFiles, WIDE } from './testing/artifact.ts';
import { openPool, watchMemory } from './testing/pool.ts';

const MIB = 1024 ** 2;

test('engines take half of what the container may take, and 1 GiB at most', () => {
  const total = 64 * 1024 * MIB;
  const unlimited = 2 ** 64;
  assert.equal(defaultEngineMemory({ total, constrained: 1024 * MIB }), 512 * MIB);
  assert.equal(defaultEngineMemory({ total, constrained: 8192 * MIB }), 1024 * MIB);
  assert.equal(defaultEngineMemory({ total, constrained: unlimited }), 1024 * MIB);
  assert.equal(defaultEngineMemory({ total: 512 * MIB, constrained: unlimited }), 256 * MIB);
  const here = defaultEngineMemory();
  assert.ok(here > 0 && here <= 1024 * MIB, String(here));
});

test('the shares of all engines together are within the limit', () => {
  for (const bytes of [128, 256, 511, 512, 1000, 1024, 8192].map((size) => size * MIB)) {
    for (const wanted of [1, 2, 3, 4, 64]) {
      const { quick, slow, build, large, builds } = shareMemory(bytes, wanted);
      const sum = QUICK_ENGINES * quick + slow + builds * build + large;
      assert.ok(sum <= bytes, `${sum} of ${bytes}`);
      assert.ok(builds >= 1 && builds <= wanted);
      if (builds > 1) assert.ok(build >= 64 * MIB);
    }
  }
});

test('who needs too much memory fails alone, and all engines stay below the limit', async (t) => {
  const limit = 512 * MIB;
  const pool = await openPool(t, { size: 2, memoryLimitBytes: limit });
  const [bomb, beside] = await Promise.all([packFiles(t, BOMB), packFiles(t, EXAMPLE)]);
  const most = watchMemory(pool);
  const hostile = ['a', 'b', 'c'].flatMap((tenant) =>
    [
      pool.build({ artifact: bomb, path: 'app' }, { tenant }),
      pool.evaluate({ expression: DOUBLING, inputs: [{ self: {} }] }, { tenant }),
    ].map((request) => assert.rejects(request, TOO_MUCH)),
  );
  const builds = Array.from({ length: 20 }, (_, n) =>
    pool.build({ artifact: beside, path: n % 2 ? 'base' : 'staging' }, { tenant: 'good' }),
  );
  const quick = Array.from({ length: 20 }, () =>
    pool.semver({ range: '1', versions: ['1.0.0'] }, { tenant: 'good' }),
  );
  for (const { objects } of await Promise.all(builds)) assert.equal(objects.length, 2);
  for (const { sorted } of await Promise.all(quick)) assert.deepEqual(sorted, ['1.0.0']);
  await Promise.all(hostile);
  const taken = await most();
  assert.ok(taken < limit, `${taken} of ${limit}`);
  assert.ok(taken > limit / 4, 'it was looked at while they ran');
});

const TOO_MUCH = {
  reason: 'MemoryLimit',
  message: /^rendering needs more memory than the limit of \d+ bytes/,
};

/** Doubles a text until the memory is used up. */
const DOUBLING = `${Array.from({ length: 30 }, (_, n) => `[${n ? `v${n - 1} + v${n - 1}` : "'xxxxxxxx'"}].all(v${n}, `).join('')}size(v29) > 0${')'.repeat(30)}`;

test('what needs more memory than most has it, also where others need little', async (t) => {
  const pool = await openPool(t, { size: 2, memoryLimitBytes: 512 * MIB });
  const [wide, medium] = await Promise.all([packFiles(t, WIDE), packFiles(t, MEDIUM)]);
  for (const tenant of ['a', 'b', 'a']) {
    const [large, small] = await Promise.all([
      pool.build({ artifact: wide, path: 'app' }, { tenant }),
      pool.build({ artifact: medium, path: 'app' }, { tenant }),
    ]);
    assert.equal(large.objects.length, 1);
    assert.equal(small.objects.length, 1);
  }
});

test('a large artifact of one tenant leaves the memory to the next', async (t) => {
  const pool = await openPool(t, { size: 1, memoryLimitBytes: 256 * MIB });
  const [half, medium] = await Promise.all([packFiles(t, HALF), packFiles(t, MEDIUM)]);
  for (let n = 0; n < 3; n += 1) {
    await pool.build({ artifact: half, path: 'base' }, { tenant: 'hostile' });
    const { objects } = await pool.build({ artifact: medium, path: 'app' }, { tenant: 'good' });
    assert.equal(objects.length, 1);
  }
  assert.equal(pool.pids().length, 1, 'nothing had to go where there is more');
});
