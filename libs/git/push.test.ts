import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commitContent, type NewCommit, withSignature } from './commit-object.ts';
import { replaceFiles } from './edit-tree.ts';
import { fetchCommit } from './fetch.ts';
import { createObjectCache, withRepository } from './object-cache.ts';
import { pushCommits, refspecTarget } from './push.ts';
import { createTestRepository } from './testing/index.ts';

const timeoutMs = 20_000;

async function setup(t: TestContext) {
  const remote = await createTestRepository();
  t.after(() => remote.remove());
  const base = await remote.commit({ 'a.yaml': 'a\n', 'x/y/b.yaml': 'b\n', 'x/c': 'c\n' });
  const dir = join(remote.scratch, 'mirror.git');
  const options = { url: remote.url, dir, timeoutMs, allowFile: true };
  await fetchCommit({ ...options, commit: base, ref: 'refs/heads/main' });
  const cache = createObjectCache(1024 ** 2);
  const server = (...args: string[]) =>
    remote.git('--git-dir', remote.url.slice('file://'.length), ...args);

  /** A commit on `parent` with other contents of files. */
  async function change(
    parent: string,
    files: Record<string, string>,
    rest: Partial<NewCommit> = {},
  ) {
    return withRepository({ dir, timeoutMs, scope: 'one', cache }, async (repository) => {
      const found = (await remote.git('--git-dir', dir, 'rev-parse', `${parent}^{tree}`)).trim();
      const ids = new Map<string, string>();
      for (const [path, text] of Object.entries(files)) {
        ids.set(path, await repository.write('blob', Buffer.from(text)));
      }
      const tree = await replaceFiles(repository, found, ids);
      const author = { name: 'Bot', email: 'bot@example.com' };
      const message = 'Change\n';
      const content = commitContent({
        tree,
        parents: [parent],
        author,
        when: new Date(0),
        message,
        ...rest,
      });
      return repository.write('commit', content);
    });
  }
  return { remote, base, options, server, change, dir };
}

test('a commit that is made of objects is one that git takes', async (t) => {
  const { base, options, server, change } = await setup(t);
  const commit = await change(base, { 'a.yaml': 'new a\n', 'x/y/b.yaml': 'new b\n' });
  await pushCommits({ ...options, refs: [{ commit, ref: 'refs/heads/main', expected: base }] });
  assert.equal(await server('rev-parse', 'main'), commit);
  await server('fsck', '--strict');
  assert.equal(await server('show', 'main:x/y/b.yaml'), 'new b');
  assert.equal(await server('show', 'main:x/c'), 'c');
  assert.equal(
    await server('show', '-s', '--format=%an <%ae> %cn %at', 'main'),
    'Bot <bot@example.com> Bot 0',
  );
  assert.deepEqual((await server('diff', '--name-only', base, 'main')).split('\n'), [
    'a.yaml',
    'x/y/b.yaml',
  ]);
});

test('messages stay as they are, and an author begins no header', async (t) => {
  const { base, server, change, options } = await setup(t);
  const message = '\n\n  edges \n\n';
  const author = { name: '', email: 'x@y>\nparent 0' };
  const commit = await change(base, { 'a.yaml': 'n' }, { message, author });
  await pushCommits({ ...options, refs: [{ commit, ref: 'refs/heads/odd', expected: '' }] });
  const raw = await server('cat-file', 'commit', commit);
  assert.match(raw, /^author {2}<x@yparent 0> 0 \+0000$/m);
  const { body } = { body: raw.slice(raw.indexOf('\n\n') + 2) };
  assert.equal(body.trimEnd(), message.trimEnd());
  await assert.rejects(change(base, {}, { message: 'a\0b' }), /NUL/);
});

test('a reference that somebody moved stays, and so does one that is there already', async (t) => {
  const { remote, base, options, server, change } = await setup(t);
  const commit = await change(base, { 'a.yaml': 'ours\n' });
  const theirs = await remote.commit({ 'z.yaml': 'theirs\n' });
  for (const expected of [base, '']) {
    await assert.rejects(
      pushCommits({ ...options, refs: [{ commit, ref: 'refs/heads/main', expected }] }),
      {
        name: 'GitError',
        reason: 'ReferenceMoved',
        message: /^failed to push to remote: command error on main: it has moved/,
      },
    );
  }
  assert.equal(await server('rev-parse', 'main'), theirs);
});

test('all references of a push are moved, or none', async (t) => {
  const { remote, base, options, server, change } = await setup(t);
  const commit = await change(base, { 'a.yaml': 'ours\n' });
  const refs = [
    { commit, ref: 'refs/heads/main', expected: base },
    { commit, ref: 'refs/heads/staging' },
  ];
  await pushCommits({ ...options, refs });
  assert.equal(await server('rev-parse', 'staging'), commit);
  await remote.git('fetch', 'origin');
  await remote.git('push', '--force', 'origin', `${base}:refs/heads/staging`);
  const next = await change(commit, { 'a.yaml': 'next\n' });
  await remote.git('push', '--force', 'origin', `${base}:refs/heads/main`);
  await assert.rejects(
    pushCommits({
      ...options,
      refs: [
        { commit: next, ref: 'refs/heads/main', expected: commit },
        { commit: next, ref: 'refs/heads/staging' },
      ],
    }),
    { reason: 'ReferenceMoved' },
  );
  assert.equal(await server('rev-parse', 'staging'), base);
});

test('a hook that refuses is named, what it writes is not repeated', async (t) => {
  const { base, options, change, server, remote } = await setup(t);
  const hooks = join(remote.url.slice('file://'.length), 'hooks');
  await mkdir(hooks, { recursive: true });
  await writeFile(join(hooks, 'pre-receive'), '#!/bin/sh\necho the secret >&2\nexit 1\n', {
    mode: 0o755,
  });
  const commit = await change(base, { 'a.yaml': 'ours\n' });
  await assert.rejects(
    pushCommits({ ...options, refs: [{ commit, ref: 'refs/heads/main', expected: base }] }),
    {
      reason: 'PushRefused',
      message: 'failed to push to remote: command error on main: pre-receive hook declined',
    },
  );
  assert.equal(await server('rev-parse', 'main'), base);
});

test('options are one line each', async (t) => {
  const { base, options } = await setup(t);
  const refs = [{ commit: base, ref: 'refs/heads/main', expected: base }];
  await assert.rejects(pushCommits({ ...options, refs, options: { 'a\nb': 'c' } }), {
    reason: 'InvalidArgument',
  });
});

test('a signature is a header that ends where the message begins', () => {
  const content = commitContent({
    tree: 't',
    parents: [],
    author: { name: 'a', email: 'b' },
    when: new Date(0),
    message: 'm\n\nn',
  });
  const signed = withSignature(content, '-----BEGIN\n\nx\n-----END\n').toString();
  assert.match(signed, /\+0000\ngpgsig -----BEGIN\n \n x\n -----END\n\nm\n\nn$/);
});

test('a refspec pushes the one branch that there is', () => {
  const target = (refspec: string) => refspecTarget(refspec, 'main');
  assert.equal(target('refs/heads/main:refs/heads/staging'), 'refs/heads/staging');
  assert.equal(target('main:staging'), 'refs/heads/staging');
  assert.equal(target('HEAD:refs/for/main'), 'refs/for/main');
  assert.equal(target('refs/heads/*:refs/for/*'), 'refs/for/main');
  assert.equal(target('refs/heads/m*n:refs/x/*'), 'refs/x/ai');
  for (const bad of [
    'main',
    ':refs/heads/main',
    'main:',
    '+main:x',
    'other:x',
    'refs/heads/o*:x/*',
    '*:x',
    'main:a b',
    'main:a:b',
  ]) {
    assert.throws(() => target(bad), { reason: 'InvalidArgument' }, bad);
  }
});
