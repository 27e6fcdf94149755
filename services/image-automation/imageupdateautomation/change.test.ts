import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createObjectCache, fetchCommit, withRepository } from '@weir/git';
import { createTestRepository } from '@weir/git/testing';
import { changeTree } from './change.ts';
import { createMarkedFolders, defaultSearchLimits } from './folders.ts';
import { setterValues } from './setters/marker.ts';

const timeoutMs = 60_000;
const mark = (setter: string) => `# {"$imagepolicy": "ns:${setter}"}`;
const file = (tag: string, setter = 'app') => `image: reg/app:${tag} ${mark(setter)}\n`;

async function setup(t: TestContext, files: Record<string, string>) {
  const remote = await createTestRepository();
  t.after(() => remote.remove());
  const dir = join(remote.scratch, 'mirror.git');
  const known = createMarkedFolders();
  const cache = createObjectCache(1024 ** 2);
  const server = (...args: string[]) => remote.git('--git-dir', dir, ...args);
  let reads = 0;

  async function change(commit: string, tag: string, path?: string, limits = {}) {
    await fetchCommit({ url: remote.url, dir, timeoutMs, allowFile: true, commit });
    const tree = await server('rev-parse', `${commit}^{tree}`);
    const values = setterValues('ns', new Map([['app', { name: 'reg/app', tag }]]));
    return withRepository({ dir, timeoutMs, scope: 's', cache }, async (repository) => {
      const counted = {
        ...repository,
        stream: (ids: readonly string[], use: Parameters<typeof repository.stream>[1]) => {
          reads += ids.length;
          return repository.stream(ids, use);
        },
      };
      return changeTree(counted, tree, {
        ...{ known, scope: 's', signal: new AbortController().signal, path, values },
        limits: { ...defaultSearchLimits, ...limits },
      });
    });
  }
  const first = await remote.commit(files);
  return {
    ...{ remote, server, change, first },
    /** How many files were read since this was called last. */
    reads: () => {
      const before = reads;
      reads = 0;
      return before;
    },
  };
}

test('files change where they are marked, all others stay', async (t) => {
  const { server, change, first } = await setup(t, {
    'a.yaml': file('1'),
    'x/b.yml': file('1'),
    'x/y/Kustomization': file('1'),
    'x/c.txt': file('1'),
    'UP.YAML': file('1'),
    'x/none.yaml': 'a: 1\n',
    'z.yaml': file('1', 'other'),
  });
  const changed = await change(first, '2');
  assert.deepEqual(
    changed?.files.map(({ path, changes }) => [path, changes.length]),
    [
      ['a.yaml', 1],
      ['x/b.yml', 1],
      ['x/y/Kustomization', 1],
    ],
  );
  const diff = await server('diff', '--name-only', first, changed?.tree ?? '');
  assert.deepEqual(diff.split('\n'), ['a.yaml', 'x/b.yml', 'x/y/Kustomization']);
  assert.equal(await server('show', `${changed?.tree}:x/b.yml`), file('2').trim());
  assert.equal(await change(first, '1'), undefined);
});

test('an unchanged folder is read once', async (t) => {
  const { remote, change, first, reads } = await setup(t, {
    'a/1.yaml': file('1'),
    'a/2.yaml': 'a: 1\n',
    'b/3.yaml': file('1'),
  });
  await change(first, '1');
  assert.equal(reads(), 2, 'two files are the same');
  await change(first, '2');
  assert.equal(reads(), 0);
  const second = await remote.commit({ 'b/4.yaml': file('1'), 'c/5.yaml': 'a: 1\n' });
  await change(second, '1');
  assert.equal(reads(), 0, 'a content that was read elsewhere is known');
});

test('spec.update.path is a folder, a file, a link, and never leads out', async (t) => {
  const { remote, change, first } = await setup(t, {
    'a/x.yaml': file('1'),
    'b/x.yaml': file('1'),
  });
  const paths = async (path: string, commit = first) =>
    (await change(commit, '2', path))?.files.map((it) => it.path);
  assert.deepEqual(await paths('./a'), ['x.yaml']);
  assert.deepEqual(await paths('a/x.yaml'), ['x.yaml']);
  assert.deepEqual(await paths('../../a/'), ['x.yaml']);
  assert.deepEqual(await paths('a/../b'), ['x.yaml']);
  assert.deepEqual(await paths('/'), ['a/x.yaml', 'b/x.yaml']);
  const work = await remote.git('rev-parse', '--show-toplevel');
  const { symlink } = await import('node:fs/promises');
  await symlink('../../b', join(work, 'a/link'));
  await symlink('loop', join(work, 'loop'));
  await symlink('/a', join(work, 'absolute'));
  await symlink('x.yaml', join(work, 'a/link.yaml'));
  const linked = await remote.commit({});
  assert.deepEqual(await paths('a/link', linked), ['x.yaml']);
  assert.deepEqual(await paths('absolute', linked), ['x.yaml'], 'a link to a file is not followed');
  for (const path of ['nope', 'a/x.yaml/y', 'loop']) {
    await assert.rejects(paths(path, linked), { reason: 'UpdateFailed', message: /no such file/ });
  }
});

test('more files than there may be are refused', async (t) => {
  const { change, first } = await setup(t, { 'a.yaml': 'a', 'b.yaml': 'b', 'c/d.yaml': 'd' });
  await assert.rejects(change(first, '2', undefined, { maxFiles: 3 }), /more than 3 files/);
  await assert.rejects(change(first, '2', undefined, { maxBytes: 0 }), /more than 0 bytes of YAML/);
});

test('ten thousand files, one of 50 MB without a marker, a large one with one', async (t) => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 10_000; i++) files[`d${i % 100}/f${i}.yaml`] = `a: ${i}\n`;
  files['d0/large.yaml'] = 'a: 0123456789\n'.repeat(4_000_000);
  files['d1/marked.yaml'] = file('1');
  const { remote, change, first, reads } = await setup(t, files);
  const changed = await change(first, '2');
  assert.deepEqual(
    changed?.files.map((it) => it.path),
    ['d1/marked.yaml'],
  );
  assert.ok(reads() > 10_000);
  await change(first, '3');
  assert.equal(reads(), 0);
  const large = await remote.commit({ 'd2/large.yaml': `${'a: 1\n'.repeat(300_000)}${file('1')}` });
  await assert.rejects(change(large, '2'), {
    reason: 'LimitExceeded',
    message: /the file 'large\.yaml' of \d+ bytes with markers.*split it/,
  });
});
