import { deepEqual, equal, rejects } from 'node:assert/strict';
import { after, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import { createPool, RenderError } from './index.ts';

const pool = await createPool({ size: 1, log: createLogger({ service: 'test', level: 'fatal' }) });
after(() => pool.close());
const tenant = 'apps';

/** Sorted as a registry's tags are for a policy. */
const many = Array.from({ length: 100_000 }, (_, index) => `1.${index}.0`)
  .sort()
  .reverse()
  .join(' ');

const failsWith = (reason: string, message: RegExp) => (error: unknown) =>
  error instanceof RenderError && error.reason === reason && message.test(error.message);

test('the latest of a hundred thousand tags, which go to the engine in portions', async () => {
  deepEqual(
    await pool.latestTag({ policy: { semver: { range: '>=1.0.0' } }, tags: many }, { tenant }),
    {
      tag: '1.99999.0',
      hasCandidates: true,
    },
  );
  const filter = { pattern: '^1\\.([0-9]+)\\.0$', extract: '$1' };
  const numerical = { policy: { numerical: { order: 'desc' } }, filter, tags: many };
  equal((await pool.latestTag(numerical, { tenant })).tag, '1.0.0');
  equal((await pool.latestTag({ ...numerical, exclude: ['0', '1.1.0'] }, { tenant })).tag, '1.2.0');
});

test('no tag fits, or there is none to look at', async () => {
  const policy = { semver: { range: '>2' } };
  deepEqual(await pool.latestTag({ policy, tags: '1.0.0' }, { tenant }), {
    tag: undefined,
    hasCandidates: true,
  });
  deepEqual(await pool.latestTag({ policy, tags: '' }, { tenant }), {
    tag: undefined,
    hasCandidates: false,
  });
  const filter = { pattern: '^v', extract: '' };
  const none = await pool.latestTag({ policy, filter, tags: '1.0.0' }, { tenant });
  deepEqual(none, { tag: undefined, hasCandidates: false });
});

test('a policy that can not be used is refused, also without tags', async () => {
  const policy = { semver: { range: '>>1' } };
  const invalid = failsWith('InvalidPolicy', /^invalid policy: improper constraint: ">>1"$/);
  await rejects(pool.latestTag({ policy, tags: '' }, { tenant }), invalid);
  const number = failsWith('Failure', /^failed to parse invalid numeric value 'latest'$/);
  await rejects(
    pool.latestTag({ policy: { numerical: {} }, tags: 'latest 1' }, { tenant }),
    number,
  );
});

test('tags are left out, and the rest keeps its order', async () => {
  equal(
    await pool.excludeTags({ patterns: ['[1-9]\\.0$'], tags: '1.10.0 1.9.0 0.0' }, { tenant }),
    '1.10.0 0.0',
  );
  const kept = await pool.excludeTags({ patterns: ['^1\\.[0-8]'], tags: many }, { tenant });
  equal(kept.split(' ').length, 11_111);
  equal(await pool.excludeTags({ patterns: ['.'], tags: many }, { tenant }), '');
  const invalid = failsWith('InvalidPattern', /^failed to compile regex \[: error parsing regexp/);
  await rejects(pool.excludeTags({ patterns: ['['], tags: '' }, { tenant }), invalid);
  const filter = { pattern: '^1\\.[01]\\.', extract: '' };
  equal(await pool.filteredTags({ filter, exclude: ['1.0.0'], tags: many }, { tenant }), '1.1.0');
});

test('an expression that takes long ends, and the tags of others do not wait for it', async () => {
  const tags = Array.from({ length: 60_000 }, () => 'a'.repeat(127)).join(' ');
  let hasEnded = false;
  const slow = pool.excludeTags({ patterns: ['(x*a?){500}b'], tags }, { tenant: 'slow' });
  const ended = slow
    .catch((error: unknown) => error)
    .finally(() => {
      hasEnded = true;
    });
  const quick = { policy: { alphabetical: {} }, tags: 'a b' };
  await pool.latestTag(quick, { tenant: 'quick' });
  equal(hasEnded, false);
  await ended;
  await rejects(slow, failsWith('Timeout', /matching took longer than 2s/));
});

test('the time for all portions together is bounded', async () => {
  const tags = Array.from({ length: 60_000 }, () => 'a'.repeat(120)).join(' ');
  const request = { patterns: ['(x*a?){50}b'], tags };
  const over = failsWith('Timeout', /longer than 300 ms/);
  await rejects(pool.excludeTags(request, { tenant, timeoutMs: 300 }), over);
});
