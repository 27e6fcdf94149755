import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Included } from './contents.ts';
import { layOut, sparse } from './layout.ts';

const entriesOf = (...paths: string[]) => paths.map((path) => ({ path, mode: 0o644, id: path }));
function included(fromPath: string, toPath: string, ...paths: string[]) {
  const include: Included = { name: 'other', digest: 'd', fromPath, toPath };
  return { included: include, paths };
}
const placed = (...args: Parameters<typeof layOut>) =>
  Object.fromEntries(
    layOut(...args).map((file) => [
      file.path,
      'entry' in file ? 'own' : `${file.include}:${file.from}`,
    ]),
  );

describe('included files', () => {
  test('a whole artifact, a folder of it, a file of it', () => {
    assert.deepEqual(placed(entriesOf('a'), [included('', 'other', 'x', 'y/z')]), {
      a: 'own',
      'other/x': '0:x',
      'other/y/z': '0:y/z',
    });
    const some = [included('./y/', '/deep/er', 'x', 'y/z', 'yy'), included('x', 'a', 'x')];
    assert.deepEqual(placed(entriesOf('a'), some), { a: '1:x', 'deep/er/z': '0:y/z' });
    const nested = [included('', 'in', 'x'), included('', 'in/side', 'x')];
    assert.deepEqual(placed([], nested), { 'in/x': '0:x', 'in/side/x': '1:x' });
  });

  test('no path leads out of either artifact', () => {
    const out = [included('../../y', '../../../etc', 'y/passwd', 'x')];
    assert.deepEqual(placed(entriesOf('a'), out), { a: 'own', 'etc/passwd': '0:y/passwd' });
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
    test(`${name} is refused`, () => {
      assert.throws(() => layOut(entries, [include]), {
        reason: 'CopyFailure',
        message: /^failed to copy 'other' include from .* to .*: /,
      });
    });
  }
});

test('sparse checkouts: folders by the beginning of their paths, which have to be there', () => {
  const entries = entriesOf('a', 'charts/x', 'charts-old/y', 'deploy/z');
  const paths = (...folders: string[]) => sparse(entries, folders).kept.map(({ path }) => path);
  assert.deepEqual(paths('charts'), ['charts/x', 'charts-old/y']);
  assert.deepEqual(paths('./charts/', 'deploy'), ['charts/x', 'deploy/z']);
  assert.deepEqual(sparse(entries, undefined).kept, entries);
  assert.equal(sparse(entries, ['charts', 'gone']).missing, 'gone');
  assert.equal(sparse(entries, ['chart']).missing, 'chart');
  assert.equal(sparse(entries, ['../charts']).missing, '../charts');
});
