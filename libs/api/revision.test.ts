import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commitRevision, formatRevision, parseRevision } from './revision.ts';

const sha1 = '5394cb7f48332b2de7c17dd8b8384bbc84b7e738';
const sha256 = 'a'.repeat(64);

describe('parseRevision', () => {
  const cases: [string, string | undefined, string, string][] = [
    [`main@sha1:${sha1}`, 'main', 'sha1', sha1],
    [`feature/a@sha1:${sha1}`, 'feature/a', 'sha1', sha1],
    [`refs/tags/v1@2@sha256:${sha256}`, 'refs/tags/v1@2', 'sha256', sha256],
    [`sha1:${sha1}`, undefined, 'sha1', sha1],
    [`main/${sha1}`, 'main', 'sha1', sha1],
    [`feature/a/${sha1}`, 'feature/a', 'sha1', sha1],
    [`HEAD/${sha1}`, undefined, 'sha1', sha1],
    [sha1, undefined, 'sha1', sha1],
    [sha256, undefined, 'sha256', sha256],
  ];
  for (const [text, name, algorithm, hash] of cases) {
    it(`reads ${text}`, () => {
      assert.deepEqual(parseRevision(text), { ...(name && { name }), algorithm, hash });
    });
  }

  for (const text of ['', 'main', 'main@', 'v1.2.3', 'main@sha1:', '@sha1']) {
    it(`finds no revision in ${JSON.stringify(text)}`, () => {
      assert.equal(parseRevision(text), undefined);
    });
  }
});

describe('formatRevision', () => {
  it('writes the name only if there is one', () => {
    assert.equal(commitRevision('main', sha1), `main@sha1:${sha1}`);
    assert.equal(commitRevision(undefined, sha256), `sha256:${sha256}`);
    assert.equal(formatRevision({ algorithm: 'sha1', hash: sha1 }), `sha1:${sha1}`);
  });
});
