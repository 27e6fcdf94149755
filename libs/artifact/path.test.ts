import assert from 'node:assert/strict';
import { it } from 'node:test';
import { digestName, nameDigest, parseDigest } from './digest.ts';
import { artifactPath, pathDigest } from './path.ts';

const hex = 'ab'.repeat(32);

it('makes the path of an artifact and reads its digest back', () => {
  const path = artifactPath('GitRepository', 'flux-system', 'my.app', `sha256:${hex}`);
  assert.equal(path, `gitrepository/flux-system/my.app/${hex}.tar.gz`);
  assert.equal(pathDigest(path), `sha256:${hex}`);
  assert.equal(pathDigest(`/${path}`), `sha256:${hex}`);
  const long = `sha512:${'cd'.repeat(64)}`;
  assert.equal(pathDigest(artifactPath('Bucket', 'n', 'b', long)), long);
});

it('takes no other path', () => {
  const bad = [
    '',
    '/',
    `/${hex}.tar.gz`,
    `/gitrepository/ns/../${hex}.tar.gz`,
    `/gitrepository/ns/name/../${hex}.tar.gz`,
    `/gitrepository/ns/name/..%2f${hex}.tar.gz`,
    `/gitrepository/../../etc/${hex}.tar.gz`,
    `/gitrepository/ns/name/${hex}.tar.gz/x`,
    `/gitrepository/ns/name/${hex}`,
    `/gitrepository/ns/name/${hex.slice(1)}.tar.gz`,
    `/gitrepository/ns/name/${hex.toUpperCase()}.tar.gz`,
    '/gitrepository/ns/name/latest.tar.gz',
    `/gitrepository/ns/name\0/${hex}.tar.gz`,
  ];
  for (const path of bad) assert.equal(pathDigest(path), undefined, path);
});

it('reads digests of the known algorithms only', () => {
  assert.deepEqual(parseDigest(`sha256:${hex}`), { algorithm: 'sha256', hex });
  for (const digest of [
    '',
    hex,
    `md5:${hex}`,
    `sha256:${hex}0`,
    `sha256:${hex}:x`,
    'sha256:../../x',
  ]) {
    assert.throws(() => parseDigest(digest), { reason: 'ArtifactInvalid' }, digest);
  }
  assert.equal(nameDigest(digestName(`sha256:${hex}`)), `sha256:${hex}`);
  assert.equal(nameDigest('abc'), undefined);
});
