import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GitError } from './errors.ts';
import { formatRevision, type RefSpec, resolveRef, type VersionHelp } from './resolve.ts';
import { createTestRepository, type TestRepository } from './testing/repository.ts';

const noHelp: VersionHelp = {
  highest: () => Promise.reject(new Error('not a range')),
  committedAt: () => Promise.reject(new Error('not a tie')),
};

describe('resolving a reference', () => {
  let repo: TestRepository;
  let first: string;
  let second: string;
  const resolve = (spec: RefSpec | undefined, help = noHelp) =>
    resolveRef(spec, { url: repo.url, timeoutMs: 20_000, allowFile: true }, help);
  const rejects = (spec: RefSpec, message: RegExp) =>
    assert.rejects(resolve(spec), (error: unknown) => {
      assert.ok(error instanceof GitError);
      assert.equal(error.reason, 'ReferenceNotFound');
      assert.match(error.message, message);
      return true;
    });

  before(async () => {
    repo = await createTestRepository();
    first = await repo.commit({ a: '1' });
    await repo.git('tag', '-a', 'v1.0.0', '-m', 'release');
    await repo.git('tag', '1.0.0');
    await repo.git('push', 'origin', 'v1.0.0', '1.0.0', 'HEAD:refs/pull/1/head', 'HEAD:master');
    await repo.git('checkout', '-b', 'feature/x');
    second = await repo.commit({ a: '2' });
  });
  after(() => repo.remove());

  test('branch, and master by default', async () => {
    assert.deepEqual(await resolve({ branch: 'feature/x' }), {
      commit: second,
      ref: 'refs/heads/feature/x',
      revision: `feature/x@sha1:${second}`,
    });
    assert.equal((await resolve(undefined)).revision, `master@sha1:${first}`);
    assert.equal((await resolve({})).revision, `master@sha1:${first}`);
  });

  test('annotated and lightweight tag give the commit', async () => {
    assert.equal((await resolve({ tag: 'v1.0.0' })).revision, `v1.0.0@sha1:${first}`);
    assert.equal((await resolve({ tag: '1.0.0' })).revision, `1.0.0@sha1:${first}`);
  });

  test('name', async () => {
    assert.deepEqual(await resolve({ name: 'refs/pull/1/head', branch: 'feature/x' }), {
      commit: first,
      ref: 'refs/pull/1/head',
      revision: `refs/pull/1/head@sha1:${first}`,
    });
    assert.equal(
      (await resolve({ name: 'refs/tags/v1.0.0' })).revision,
      `refs/tags/v1.0.0@sha1:${first}`,
    );
    assert.deepEqual(await resolve({ name: 'refs/tags/v1.0.0^{}' }), {
      commit: first,
      ref: 'refs/tags/v1.0.0',
      tag: { name: 'v1.0.0', id: await repo.git('rev-parse', 'v1.0.0') },
      revision: `refs/tags/v1.0.0^{}@sha1:${first}`,
    });
  });

  test('commit, with and without a branch', async () => {
    assert.deepEqual(await resolve({ commit: first, branch: 'feature/x' }), {
      commit: first,
      ref: 'refs/heads/feature/x',
      revision: `feature/x@sha1:${first}`,
    });
    assert.deepEqual(await resolve({ commit: first, tag: 'ignored' }), {
      commit: first,
      revision: `sha1:${first}`,
    });
  });

  test('semver: among equal versions the youngest commit', async () => {
    const asked: unknown[] = [];
    const help: VersionHelp = {
      async highest(range, tags) {
        asked.push(range, tags.toSorted());
        return ['v1.0.0', '1.0.0'];
      },
      async committedAt(commits) {
        return new Map(commits.map((commit, index) => [commit, index]));
      },
    };
    const resolved = await resolve({ semver: '>=1.0.0' }, help);
    assert.deepEqual(asked, ['>=1.0.0', ['1.0.0', 'v1.0.0']]);
    assert.equal(resolved.revision, `v1.0.0@sha1:${first}`);
    assert.equal(resolved.ref, 'refs/tags/v1.0.0');
  });

  test('a tag goes before a range', async () => {
    assert.equal((await resolve({ tag: '1.0.0', semver: '*' })).revision, `1.0.0@sha1:${first}`);
  });

  test('what is not there is named', async () => {
    await rejects({ branch: 'gone' }, /couldn't find remote ref "refs\/heads\/gone": git repo/);
    await rejects({ tag: 'gone' }, /couldn't find remote ref "refs\/tags\/gone"/);
    await rejects(
      { name: 'refs/pull/9/head' },
      /unable to resolve ref 'refs\/pull\/9\/head' to a specific commit$/,
    );
    await rejects({ commit: first, branch: 'gone' }, /refs\/heads\/gone/);
    const none = { ...noHelp, highest: async () => [] };
    const says = (words: string) => ({ message: `no match found for semver: >9 (${words})` });
    await assert.rejects(resolve({ semver: '>9' }, none), says('no tag is a version'));
    const some = {
      ...noHelp,
      highest: async (range: string) => (range === '>9' ? [] : ['v1.0.0', '1.0.0']),
    };
    await assert.rejects(resolve({ semver: '>9' }, some), says('the highest version is v1.0.0'));
  });

  test('an empty repository is called empty', async () => {
    const empty = await createTestRepository();
    try {
      const remote = { url: empty.url, timeoutMs: 20_000, allowFile: true };
      await assert.rejects(resolveRef({}, remote, noHelp), /^GitError: git repository is empty$/);
      await assert.rejects(
        resolveRef({ tag: 'v1' }, remote, noHelp),
        /: unable to clone: remote repository is empty: git repository: 'file:/,
      );
    } finally {
      await empty.remove();
    }
  });
});

test('revisions name the hash algorithm', () => {
  assert.equal(formatRevision('main', 'a'.repeat(40)), `main@sha1:${'a'.repeat(40)}`);
  assert.equal(formatRevision(undefined, 'a'.repeat(64)), `sha256:${'a'.repeat(64)}`);
});
