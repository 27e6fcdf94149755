import assert from 'node:assert/strict';
import { chmod, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { readCommit, shortMessage } from './commit.ts';
import { GitError } from './errors.ts';
import { fetchCommit, tidyRepository } from './fetch.ts';
import { withObjects } from './objects.ts';
import { listRemote } from './remote.ts';
import { readAll } from './testing/read.ts';
import { createTestRepository, type TestRepository } from './testing/repository.ts';
import { listTree, readFiles, type TreeLimits } from './tree.ts';

const timeoutMs = 20_000;
const allowFile = true;

describe('a repository', () => {
  let repo: TestRepository;
  before(async () => {
    repo = await createTestRepository();
  });
  after(() => repo.remove());

  const files = (dir: string, commit: string) => readAll({ dir, timeoutMs }, commit);

  test('is listed, fetched and read', async () => {
    const first = await repo.commit({ 'a.yaml': 'a: 1\n', 'dir/b.yaml': 'b: 1\n' }, 'Add a and b');
    const refs = await listRemote({ url: repo.url, timeoutMs, allowFile });
    assert.equal(refs.get('refs/heads/main'), first);
    assert.equal(refs.get('HEAD'), first);

    const dir = join(repo.scratch, 'basic');
    const fetch = (commit: string) =>
      fetchCommit({ url: repo.url, dir, ref: 'refs/heads/main', commit, timeoutMs, allowFile });
    await fetch(first);
    assert.deepEqual(await files(dir, first), { 'a.yaml': 'a: 1\n', 'dir/b.yaml': 'b: 1\n' });

    const second = await repo.commit({ 'a.yaml': 'a: 2\n' }, 'Change a');
    await fetch(second);
    await tidyRepository({ dir, timeoutMs });
    assert.deepEqual(await files(dir, second), { 'a.yaml': 'a: 2\n', 'dir/b.yaml': 'b: 1\n' });
  });

  test('lists only what is asked for, annotated tags with their commit', async () => {
    const commit = await repo.commit({ 'tagged.yaml': 'x\n' });
    await repo.git('tag', '-a', 'v1.2.3', '-m', 'release');
    await repo.git('push', 'origin', 'v1.2.3');
    const refs = await listRemote({
      url: repo.url,
      refs: ['refs/tags/v1.2.3'],
      timeoutMs,
      allowFile,
    });
    assert.deepEqual([...refs.keys()], ['refs/tags/v1.2.3', 'refs/tags/v1.2.3^{}']);
    assert.equal(refs.get('refs/tags/v1.2.3^{}'), commit);
  });

  test('keeps modes, drops symbolic links, and leaves text as it is', async () => {
    const work = await repo.git('rev-parse', '--show-toplevel');
    await repo.commit({ 'run.sh': '#!/bin/sh\n', '.gitattributes': '* text eol=crlf\n' });
    await chmod(join(work, 'run.sh'), 0o755);
    await symlink('/etc/passwd', join(work, 'link'));
    const commit = await repo.commit({ 'unix.txt': 'one\ntwo\n', 'ünï code': '\u00fc' });
    const dir = join(repo.scratch, 'modes');
    await fetchCommit({ url: repo.url, dir, commit, timeoutMs, allowFile });
    const entries = await withObjects({ dir, timeoutMs }, (it) => listTree(it, commit));
    const modes = new Map(entries.map((entry) => [entry.path, entry.mode]));
    assert.equal(modes.get('run.sh'), 0o755);
    assert.equal(modes.get('unix.txt'), 0o644);
    assert.equal(modes.has('link'), false);
    const read = await files(dir, commit);
    assert.equal(read['unix.txt'], 'one\ntwo\n');
    assert.equal(read['ünï code'], 'ü');
  });

  test('gives an old commit by its id when the branch has moved on', async () => {
    const old = await repo.commit({ 'old.yaml': 'old\n' });
    await repo.commit({ 'old.yaml': 'new\n' });
    const dir = join(repo.scratch, 'old');
    const ref = 'refs/heads/main';
    await fetchCommit({ url: repo.url, dir, ref, commit: old, timeoutMs, allowFile });
    assert.equal((await files(dir, old))['old.yaml'], 'old\n');
  });

  test('says so when a commit is nowhere', async () => {
    const commit = 'a'.repeat(40);
    const dir = join(repo.scratch, 'nowhere');
    await assert.rejects(
      fetchCommit({ url: repo.url, dir, ref: 'refs/heads/main', commit, timeoutMs, allowFile }),
      (error: unknown) => error instanceof GitError && error.reason === 'ReferenceNotFound',
    );
  });

  test('reads a commit with its subject', async () => {
    const subject = 'x'.repeat(60);
    const commit = await repo.commit({ 'c.yaml': 'c\n' }, `${subject}\n\nbody`);
    const dir = join(repo.scratch, 'commit');
    await fetchCommit({ url: repo.url, dir, commit, timeoutMs, allowFile });
    const read = await withObjects({ dir, timeoutMs }, (it) => readCommit(it, commit));
    assert.equal(read.author.email, 'ada@example.com');
    assert.ok(Math.abs(read.committer.when.getTime() - Date.now()) < 60_000);
    assert.equal(shortMessage(read), `${'x'.repeat(50)}...`);
    assert.equal(read.message, `${subject}\n\nbody\n`);
  });

  test('is not read beyond the limits', async () => {
    const commit = await repo.commit({ 'big.bin': 'x'.repeat(100_000) });
    const dir = join(repo.scratch, 'limits');
    await fetchCommit({ url: repo.url, dir, commit, timeoutMs, allowFile });
    const exceeded = (error: unknown) =>
      error instanceof GitError && error.reason === 'LimitExceeded';
    const read = (limits: Partial<TreeLimits>) => readAll({ dir, timeoutMs }, commit, limits);
    await assert.rejects(read({ maxFiles: 2 }), exceeded);
    await assert.rejects(read({ maxBytes: 50_000 }), exceeded);
    await read({ maxFiles: 100, maxBytes: 1_000_000 });
  });

  test('can be read in part: git ends with its reader', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`many/${index}`, `${index}`.repeat(50_000)]),
    );
    const commit = await repo.commit(many);
    const dir = join(repo.scratch, 'part');
    await fetchCommit({ url: repo.url, dir, commit, timeoutMs, allowFile });
    await withObjects({ dir, timeoutMs }, async (objects) => {
      for await (const file of readFiles(objects, await listTree(objects, commit))) {
        for await (const chunk of file.content) {
          assert.ok(chunk.length > 0);
          return;
        }
      }
    });
    const running = () => process.getActiveResourcesInfo().includes('ProcessWrap');
    const deadline = Date.now() + 5_000;
    while (running() && Date.now() < deadline) await setImmediate();
    assert.equal(running(), false);
  });
});
