import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import { createRepositoryCache } from './repositories.ts';

const MIB = 1024 ** 2;
const log = createLogger({ service: 'test', level: 'fatal' });

/** A cache for 10 MiB, of repositories of 2 MiB at most. */
async function setup(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'weir-repositories-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const root = join(dir, 'git');
  const cache = await createRepositoryCache(root, {
    maxBytes: 10 * MIB,
    limits: { memoryBytes: 80 * MIB, fileBytes: 2 * MIB },
    slot: (work) => work(),
    log,
    signal: new AbortController().signal,
  });
  const fill = (key: string, bytes: number) =>
    cache.use(key, async (folder) => {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'pack'), Buffer.alloc(bytes));
    });
  return { root, cache, fill };
}

test('repositories that were used least recently go when the bound is reached', async (t) => {
  const { root, fill } = await setup(t);
  for (let index = 0; index < 9; index++) await fill(`repository-${index}`, 1.9 * MIB);
  const numbers = async () => (await readdir(root)).map((name) => name.at(-1)).sort();
  // Four that are kept leave room for a fifth that is fetched.
  assert.deepEqual(await numbers(), ['4', '5', '6', '7', '8']);
  await fill('repository-4', 1.9 * MIB);
  await fill('repository-9', 1.9 * MIB);
  assert.deepEqual(await numbers(), ['4', '6', '7', '8', '9']);
});

test('a repository in use stays, and one that is larger than a pack may be is not kept', async (t) => {
  const { root, cache, fill } = await setup(t);
  const release = Promise.withResolvers<void>();
  await fill('busy', 1.9 * MIB);
  const using = cache.use('busy', () => release.promise);
  for (let index = 0; index < 8; index++) await fill(`other-${index}`, 1.9 * MIB);
  assert.ok((await readdir(root)).includes('busy'));
  release.resolve();
  await using;
  await fill('huge', 3 * MIB);
  assert.ok(!(await readdir(root)).includes('huge'));
});

test('after a failure the next user begins anew', async (t) => {
  const { root, cache, fill } = await setup(t);
  await fill('broken', MIB);
  const failing = cache.use('broken', () => Promise.reject(new Error('it broke')));
  await assert.rejects(failing, /it broke/);
  assert.deepEqual(await readdir(root), []);
  await fill('broken', MIB);
  assert.deepEqual(await readdir(root), ['broken']);
});

test('what nobody used for long goes', async (t) => {
  const { root, cache, fill } = await setup(t);
  await fill('old', MIB);
  await cache.tidy(60_000);
  assert.deepEqual(await readdir(root), ['old']);
  await cache.tidy(-1);
  assert.deepEqual(await readdir(root), []);
});
