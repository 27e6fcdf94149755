import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Included } from './contents.ts';
import { layOut, sparse } from './layout.ts';

const entriesOf = (...paths: string[]) => paths.map((path) => ({ path, mode: 0o644, id: path }));
function included(fromPath: string, toPath: string, ...paths: string[]) {
  const include: Included = { name: 'other', digest: 'd', fromPath, toPath };
  return { included: include, paths };
}
const limits = { maxFiles: 1_000 };
const placed = async (
  entries: Parameters<typeof layOut>[0],
  includes: ReturnType<typeof included>[],
) =>
  Object.fromEntries(
    (await layOut(entries, includes, limits)).map((file) => [
      file.path,
      'entry' in file ? 'own' : `${file.include}:${file.from}`,
    ]),
  );

describe('included files', () => {
  test('a whole artifact, a folder of it, a file of it', async () => {
    assert.deepEqual(await placed(entriesOf('a'), [included('', 'other', 'x', 'y/z')]), {
      a: 'own',
      'other/x': '0:x',
      'other/y/z': '0:y/z',
    });
    const some = [included('./y/', '/deep/er', 'x', 'y/z', 'yy'), included('x', 'a', 'x')];
    assert.deepEqual(await placed(entriesOf('a'), some), { a: '1:x', 'deep/er/z': '0:y/z' });
    const nested = [included('', 'in', 'x'), included('', 'in/side', 'x')];
    assert.deepEqual(await placed([], nested), { 'in/x': '0:x', 'in/side/x': '1:x' });
  });

  test('no path leads out of either artifact', async () => {
    const out = [included('../../y', '../../../etc', 'y/passwd', 'x')];
    assert.deepEqual(await placed(entriesOf('a'), out), { a: 'own', 'etc/passwd': '0:y/passwd' });
  });

  for (const [name, entries, include] of [
    ['a folder over a folder', entriesOf('other/a'), included('', 'other', 'x')],
    ['a folder over a file', entriesOf('other'), included('', 'other', 'x')],
    ['a file over a folder', entriesOf('to/a'), included('x', 'to', 'x')],
    ['a folder into a file', entriesOf('to'), included('', 'to/x', 'x')],
    ['everything over everything', entriesOf('a'), included('', '/', 'x')],
    ['the root by way of ..', entriesOf('a'), included('', 'b/../..', 'x')],
    ['what is not there', entriesOf('a'), included('gone', 'b', 'x')],
  ] as const) {
    test(`${name} is refused`, async () => {
      await assert.rejects(layOut(entries, [include], limits), {
        reason: 'CopyFailure',
        message: /^failed to copy 'other' include from .* to .*: /,
      });
    });
  }
});

test('what inclusions add up to is counted before it is there', async () => {
  const paths = Array.from({ length: 900 }, (_, index) => `f${index}`);
  const fails = (includes: ReturnType<typeof included>[], message: RegExp) =>
    assert.rejects(layOut([], includes, limits), { reason: 'ArtifactTooLarge', message });
  await fails([included('', 'a', ...paths), included('', 'b', ...paths)], /more than 1000 files/);
  await fails([included('', 'x'.repeat(5_000), 'f')], /a path of more than 4096 bytes/);
  const deep = 'a/'.repeat(1_100);
  await fails([included('', deep, 'f')], /more than 1000 folders/);
  const many = Array.from({ length: 30_000 }, (_, index) => `f${index}`);
  const long = included('', 'x'.repeat(4_000), ...many);
  await assert.rejects(
    layOut([], [long], { maxFiles: 100_000 }),
    /paths of more than 16777216 bytes/,
  );
});

test('many folders of a sparse checkout, and many files, are compared in no time', () => {
  const entries = entriesOf(...Array.from({ length: 100_000 }, (_, index) => `d${index}/f`));
  const folders = Array.from({ length: 30_000 }, (_, index) => `d${index}/`);
  const start = performance.now();
  assert.equal(sparse(entries, folders).missing, undefined);
  assert.ok(performance.now() - start < 2_000);
});

test('sparse checkouts: folders by the beginning of their paths, which have to be there', () => {
  const entries = entriesOf('a', 'charts/x', 'charts-old/y', 'deploy/z');
  const paths = (...folders: string[]) => sparse(entries, folders).kept.map(({ path }) => path);
  assert.deepEqual(paths('charts'), ['charts/x', 'charts-old/y']);
  assert.deepEqual(paths('./charts/', 'deploy'), ['charts/x', 'deploy/z']);
  assert.deepEqual(sparse(entries, undefined).kept, entries);
  assert.deepEqual(sparse(entries, []).kept, entries);
  assert.equal(sparse(entries, ['charts', 'gone']).missing, 'gone');
  assert.equal(sparse(entries, ['chart']).missing, 'chart');
  assert.deepEqual(paths('a', 'charts/x', './'), ['a', 'charts/x', 'charts-old/y', 'deploy/z']);
  assert.deepEqual(paths('deploy/z', 'a'), ['a', 'deploy/z']);
  assert.equal(sparse([], ['']).missing, '');
  assert.equal(sparse(entries, ['../charts']).missing, '../charts');
});
