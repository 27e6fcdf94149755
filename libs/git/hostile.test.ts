// Repositories that cost their author nothing and would cost their reader everything.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GitError } from './errors.ts';
import { withObjects } from './objects.ts';
import { createHostileRepository, type HostileRepository } from './testing/hostile.ts';
import { readAll } from './testing/read.ts';
import { listTree } from './tree.ts';

const timeoutMs = 30_000;

describe('a hostile tree', () => {
  let dir: string;
  let repo: HostileRepository;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'weir-hostile-'));
    repo = await createHostileRepository(join(dir, 'repo.git'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const list = (commit: string, maxFiles?: number) =>
    withObjects({ dir: repo.dir, timeoutMs }, (objects) => listTree(objects, commit, maxFiles));
  const refused = async (tree: string, message: RegExp, maxFiles?: number) => {
    const commit = await repo.commit(tree);
    await assert.rejects(list(commit, maxFiles), (error: unknown) => {
      assert.ok(error instanceof GitError);
      assert.match(error.message, message);
      assert.ok(error.message.length < 400, 'the message is bounded');
      assert.equal(error.reason, 'LimitExceeded');
      return true;
    });
  };

  test('with a name of 4 MB for a folder', async () => {
    const files = Array.from({ length: 100 }, (_, index) => repo.file(`file-${index}`));
    const folder = await repo.tree(files);
    const name = 'n'.repeat(4_000_000);
    await refused(await repo.tree([repo.folder(name, folder)]), /has more than 255 bytes/);
    await refused(await repo.tree([repo.file('x'.repeat(256))]), /has more than 255 bytes/);
    const longest = await repo.commit(await repo.tree([repo.file('x'.repeat(255))]));
    assert.equal((await list(longest))[0]?.path.length, 255);
  });

  test('with paths that get longer and longer', async () => {
    let tree = await repo.tree([repo.file('end')]);
    for (let depth = 0; depth < 17; depth++) {
      tree = await repo.tree([repo.folder('d'.repeat(250), tree)]);
    }
    await refused(tree, /a path of more than 4096 bytes below 'd+\.\.\.'/);
  });

  test('with many long paths that are one another', async () => {
    const files = Array.from({ length: 5_000 }, (_, index) => repo.file(`file-${index}`));
    let tree = await repo.tree(files);
    for (let depth = 0; depth < 15; depth++) {
      tree = await repo.tree([repo.folder('d'.repeat(250), tree)]);
    }
    await refused(tree, /paths of more than 16777216 bytes together/);
  });

  test('with a million entries in one folder, counted while they are read', async () => {
    const entries = Array.from({ length: 1_000_000 }, (_, index) =>
      repo.file(String(index).padStart(7, '0')),
    );
    const tree = await repo.tree(entries);
    const begin = performance.now();
    await refused(tree, /more than 1000 files/, 1_000);
    await refused(tree, /more than 100000 files/);
    assert.ok(performance.now() - begin < 10_000);
  });

  test('that holds itself ten times, ten levels deep', async () => {
    let tree = await repo.tree([repo.file('bomb')]);
    for (let depth = 0; depth < 10; depth++) {
      const below = tree;
      tree = await repo.tree(
        Array.from({ length: 10 }, (_, index) => repo.folder(`${index}`, below)),
      );
    }
    await refused(tree, /more than 100000 (files|folders and links)/);
  });

  test('of links alone, which are left out but counted', async () => {
    const links = Array.from({ length: 2_000 }, (_, index) => repo.link(`link-${index}`));
    await refused(await repo.tree(links), /more than 1000 folders and links/, 1_000);
  });

  test('with a name that leaves it, or that is broken off', async () => {
    for (const name of ['..', '.', 'a/b']) {
      const commit = await repo.commit(await repo.tree([repo.file(name)]));
      await assert.rejects(list(commit), /unsafe path/);
    }
    const broken = await repo.commit(await repo.rawTree(Buffer.from('100644 a\0short')));
    await assert.rejects(list(broken), /cannot be read/);
    const endless = await repo.commit(await repo.rawTree(Buffer.alloc(100_000, '1')));
    await assert.rejects(list(endless), /cannot be read/);
  });

  test('whose folder is a file', async () => {
    const folder = repo.folder('folder', repo.blob);
    await assert.rejects(
      list(await repo.commit(await repo.tree([folder]))),
      /has a folder that is none/,
    );
  });

  test('that names one file often: its bytes count each time', async () => {
    const large = await repo.object('blob', Buffer.alloc(100_000, 'x'));
    const tree = await repo.tree(
      Array.from({ length: 50 }, (_, index) => ({ ...repo.file(`${index}`), id: large })),
    );
    const commit = await repo.commit(tree);
    await assert.rejects(readAll({ dir: repo.dir, timeoutMs }, commit, { maxBytes: 4_900_000 }), {
      reason: 'LimitExceeded',
    });
    const all = await readAll({ dir: repo.dir, timeoutMs }, commit, { maxBytes: 5_000_000 });
    assert.equal(Object.keys(all).length, 50);
  });
});
