import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { createCache } from './cache.ts';
import { digestName, digestOf } from './digest.ts';
import { storageError } from './errors.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-cache-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const content = (text: string) => Buffer.from(text.repeat(100));
const hourAgo = () => new Date(Date.now() - 60 * 60_000);

it('keeps artifacts by digest', async (t) => {
  const dir = await folder(t);
  const cache = createCache({ dir: join(dir, 'made'), maxBytes: 10_000 });
  const bytes = content('a');
  const digest = digestOf(bytes);
  assert.equal(await cache.find(digest), undefined);
  const path = await cache.write(digest, bytes);
  assert.equal(await cache.find(digest), path);
  assert.ok((await readFile(path)).equals(bytes));
  await cache.writeFileIndex(digest, Buffer.from('m'));
  assert.equal(String(await cache.readFileIndex(digest)), 'm');
  await cache.remove(digest);
  assert.equal(await cache.find(digest), undefined);
  assert.equal(await cache.readFileIndex(digest), undefined);
});

it('finds out that a file was damaged, also after it was fine', async (t) => {
  const dir = await folder(t);
  const bytes = content('a');
  const digest = digestOf(bytes);
  const path = await createCache({ dir, maxBytes: 10_000 }).write(digest, bytes);
  const cache = createCache({ dir, maxBytes: 10_000 });
  assert.equal(await cache.find(digest), path);
  await writeFile(path, content('b'));
  assert.equal(await cache.find(digest), undefined);
  assert.deepEqual(await readdir(dir), []);
});

it('leaves nothing of a write that fails', async (t) => {
  const dir = await folder(t);
  const cache = createCache({ dir, maxBytes: 10_000 });
  async function* broken() {
    yield content('a');
    throw new Error('the connection broke');
  }
  await assert.rejects(cache.write(digestOf(content('a')), broken()), /the connection broke/);
  assert.deepEqual(await readdir(dir), []);
});

it('removes what was used least recently, but not what is in use or pinned', async (t) => {
  const dir = await folder(t);
  const digests = ['a', 'b', 'c', 'd'].map((text) => digestOf(content(text)));
  const pinned = digests[0];
  const cache = createCache({ dir, maxBytes: 250, isPinned: (digest) => digest === pinned });
  const roomy = createCache({ dir, maxBytes: 10_000 });
  for (const text of ['a', 'b', 'c']) {
    const path = await roomy.write(digestOf(content(text)), content(text));
    await utimes(path, hourAgo(), hourAgo());
  }
  await cache.find(digests[1] ?? '');
  await cache.write(digests[3] ?? '', content('d'));
  const left = (await readdir(dir)).sort();
  const expected = [digests[0], digests[1], digests[3]].map((d) => `${digestName(d ?? '')}.tar.gz`);
  assert.deepEqual(left, expected.sort());
});

it('lists its folder when it may be full, and not for each artifact', async (t) => {
  const dir = await folder(t);
  const cache = createCache({ dir, maxBytes: 10_000 });
  const put = (text: string) => cache.write(digestOf(content(text)), content(text));
  await put('a');
  // These are found and removed only by listing the folder.
  const part = join(dir, 'crashed.part');
  await writeFile(part, 'half');
  await utimes(part, hourAgo(), new Date(Date.now() - 3 * 60 * 60_000));
  await put('b');
  assert.ok((await readdir(dir)).includes('crashed.part'));
  const large = Buffer.alloc(9_900, 'c');
  const file = join(dir, '..', `${digestName(digestOf(large))}.packed`);
  await writeFile(file, large);
  await cache.adopt(digestOf(large), file);
  assert.ok(!(await readdir(dir)).includes('crashed.part'));
});

it('shares a folder with another cache, and clears what a crash left', async (t) => {
  const dir = await folder(t);
  const [one, two] = [createCache({ dir, maxBytes: 250 }), createCache({ dir, maxBytes: 250 })];
  const part = join(dir, 'crashed.part');
  await writeFile(part, 'half');
  const longAgo = new Date(Date.now() - 3 * 60 * 60_000);
  await utimes(part, longAgo, longAgo);
  await writeFile(join(dir, 'not-ours'), 'x');
  const bytes = content('a');
  await Promise.all([one, two].map((cache) => cache.write(digestOf(bytes), bytes)));
  assert.equal(await one.find(digestOf(bytes)), await two.find(digestOf(bytes)));
  assert.deepEqual(
    (await readdir(dir)).sort(),
    [`${digestName(digestOf(bytes))}.tar.gz`, 'not-ours'].sort(),
  );
});

it('says what to do when the disk fails', async (t) => {
  const dir = await folder(t);
  const occupied = join(dir, 'file');
  await writeFile(occupied, '');
  const cache = createCache({ dir: join(occupied, 'below'), maxBytes: 1 });
  await assert.rejects(cache.write(digestOf(content('a')), content('a')), {
    name: 'ArtifactError',
    reason: 'StorageOperationFailed',
  });
  const full = storageError(
    'cannot store an artifact',
    Object.assign(new Error('x'), { code: 'ENOSPC' }),
  );
  assert.deepEqual([full.reason, full.transient], ['StorageFull', true]);
  assert.match(full.message, /no space left: enlarge the volume/);
});

it('leaves whole artifacts only when the disk is full', async (t) => {
  const dir = await folder(t);
  const script = 'mount -t tmpfs -o size=128k none "$1" && exec "$2" "$3" "$1"';
  const child = new URL('testing/write-until-full.ts', import.meta.url).pathname;
  const namespaces = ['--user', '--map-root-user', '--mount'];
  const run = spawnSync(
    'unshare',
    [...namespaces, 'sh', '-c', script, 'sh', dir, process.execPath, child],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) {
    t.skip(`needs unshare and user namespaces for a tiny file system: ${run.stderr.trim()}`);
    return;
  }
  const { reason, transient, message, written, found, files } = JSON.parse(run.stdout);
  assert.deepEqual([reason, transient], ['StorageFull', true]);
  assert.match(message, /no space left/);
  assert.ok(written > 0);
  assert.ok(found.every((path: string | null) => path !== null));
  assert.equal(files.length, written);
});
