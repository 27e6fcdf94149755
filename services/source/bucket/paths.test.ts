import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeObjects } from './paths.ts';

const place = (...keys: string[]) =>
  placeObjects(keys.map((key) => ({ key, etag: 'e', size: 1 }))).map(({ path }) => path);

test('no key leaves the archive', () => {
  assert.deepEqual(place('../../etc/passwd', '/absolute', 'a//b', './c', 'd/../e', 'f..g'), [
    'etc/passwd',
    'absolute',
    'a/b',
    'c',
    'e',
    'f..g',
  ]);
});

test('what can be no file is refused, with its key', () => {
  for (const [keys, message] of [
    [['a\0b'], /^failed to get 'a b' object: it has a NUL in its key$/],
    [['a/..'], /^failed to get 'a\/\.\.' object: it leads to no file$/],
    [['..'], /leads to no file/],
    [[`a/${'n'.repeat(256)}/b`], /name of more than 255 bytes: file name too long/],
    [['x', '../x'], /^failed to get '\.\.\/x' object: it is the same file as 'x'$/],
    [
      ['a', 'a-b', 'a/b'],
      /^failed to get 'a' object: it is a file, and a folder with the object 'a\/b'$/,
    ],
    [['a/b', 'a'], /^failed to get 'a' object: it is a file, and a folder/],
  ] as const) {
    assert.throws(() => place(...keys), { reason: 'InvalidAnswer', message }, keys.join());
  }
});

test('folders of great depth take no time', () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `${index}/${'a/'.repeat(400)}b`);
  const before = performance.now();
  assert.equal(place(...keys).length, keys.length);
  assert.ok(performance.now() - before < 5_000);
});
