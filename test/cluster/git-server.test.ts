import assert from 'node:assert/strict';
import { mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { type CommandResult, run } from './exec.ts';
import { git, gitEnvironment } from './git-repository.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { until } from './until.ts';

let server: GitServer;
let work: string;
before(async () => {
  server = await startGitServer();
});
after(() => server.close());
beforeEach(async (t) => {
  work = await mkdtemp(join(tmpdir(), 'weir-clone-'));
  if ('after' in t) t.after(() => rm(work, { recursive: true, force: true }));
});

function tryGit(
  args: string[],
  config: Record<string, string> = {},
  timeoutMs = 30_000,
): Promise<CommandResult> {
  return run('git', args, { cwd: work, env: gitEnvironment(config), timeoutMs });
}

async function clone(url: string, ...args: string[]): Promise<string> {
  const result = await tryGit(['clone', '--quiet', ...args, url, 'clone']);
  assert.equal(result.code, 0, result.stderr);
  return join(work, 'clone');
}

test('serves commits made without a work tree', async () => {
  const repository = await server.createRepository('app');
  const first = await repository.commit({ 'a/b.txt': 'one\n', 'gone.txt': 'x' });
  const second = await repository.commit(
    {
      'a/b.txt': 'two\n',
      'gone.txt': null,
      'odd "name"\\ with\nbreak': 'odd',
      run: { content: '#!/bin/sh\n', mode: '100755' },
      link: { content: 'a/b.txt', mode: '120000' },
    },
    {
      message: 'Second\n\nWith a body',
      tag: 'v1.0.0',
      author: { name: 'Ann', email: 'ann@example.com' },
      date: new Date('2020-02-03T04:05:06Z'),
    },
  );
  const folder = await clone(repository.url);
  assert.equal(await git(folder, ['rev-parse', 'HEAD']), second);
  assert.equal(await git(folder, ['rev-parse', 'HEAD^']), first);
  assert.equal(await git(folder, ['rev-parse', 'v1.0.0']), second);
  const shown = await git(folder, ['log', '-1', '--format=%an|%ae|%at|%B']);
  assert.equal(shown, 'Ann|ann@example.com|1580702706|Second\n\nWith a body');
  assert.equal(await readFile(join(folder, 'a/b.txt'), 'utf8'), 'two\n');
  assert.equal(await readFile(join(folder, 'odd "name"\\ with\nbreak'), 'utf8'), 'odd');
  assert.equal((await stat(join(folder, 'run'))).mode & 0o111, 0o111);
  assert.equal(await readlink(join(folder, 'link')), 'a/b.txt');
  await assert.rejects(stat(join(folder, 'gone.txt')), { code: 'ENOENT' });
});

test('branches are created and rewritten', async () => {
  const repository = await server.createRepository('branches');
  const base = await repository.commit({ 'a.txt': 'a' });
  const side = await repository.commit({ 'b.txt': 'b' }, { branch: 'side', parent: base });
  assert.equal(await repository.git('rev-parse', 'side^'), base);
  const rewritten = await repository.commit({ 'c.txt': 'c' }, { branch: 'side', parent: null });
  assert.notEqual(rewritten, side);
  assert.equal(await repository.git('rev-list', '--count', 'side'), '1');
  assert.equal(await repository.git('ls-tree', '--name-only', 'side'), 'c.txt');
});

test('a commit by its hash can be fetched, shallow', async () => {
  const repository = await server.createRepository('by-hash');
  const wanted = await repository.commit({ 'a.txt': '1' });
  await repository.commit({ 'a.txt': '2' });
  await git(work, ['init', '--quiet']);
  await git(work, ['fetch', '--quiet', '--depth=1', repository.url, wanted]);
  assert.equal(await git(work, ['show', `${wanted}:a.txt`]), '1');
});

test('a big repository and a push pass through', async () => {
  const pushed: string[] = [];
  const own = await startGitServer({ onPush: (name) => pushed.push(name) });
  try {
    const repository = await own.createRepository('big');
    const noise = Array.from({ length: 200_000 }, (_, index) => index * 7919).join(' ');
    await repository.commit({ 'big.txt': noise });
    const folder = await clone(repository.url);
    await writeFile(join(folder, 'more.txt'), `${noise} more`);
    await git(folder, ['add', '.']);
    const who = ['-c', 'user.name=Me', '-c', 'user.email=me@example.com'];
    await git(folder, [...who, 'commit', '--quiet', '-m', 'More']);
    await git(folder, ['push', '--quiet']);
    const head = await git(folder, ['rev-parse', 'HEAD']);
    assert.equal(await repository.git('rev-parse', 'main'), head);
    await until(() => pushed.length > 0, { timeoutMs: 5_000, message: 'the call of onPush' });
    assert.deepEqual(pushed, ['big']);
  } finally {
    await own.close();
  }
});

test('credentials are asked for, basic and bearer', async () => {
  const auth = { username: 'ann', password: 'pa:ss' };
  const repository = await server.createRepository('private', { auth });
  await repository.commit({ 'a.txt': 'a' });
  const refused = await tryGit(['ls-remote', repository.url]);
  assert.equal(refused.code, 128);
  assert.match(refused.stderr, /could not read Username/);
  const wrong = repository.url.replace('://', '://ann:wrong@');
  assert.match((await tryGit(['ls-remote', wrong])).stderr, /Authentication failed/);
  await clone(repository.url.replace('://', '://ann:pa%3Ass@'));

  repository.setAuth({ bearer: 'token-1' });
  const header = { 'http.extraHeader': 'Authorization: Bearer token-1' };
  assert.equal((await tryGit(['ls-remote', repository.url], header)).code, 0);
  assert.equal((await tryGit(['ls-remote', repository.url])).code, 128);
});

test('what is not there is a 404', async () => {
  const answer = await tryGit(['ls-remote', `${server.url}/nothing.git`]);
  assert.match(answer.stderr, /not found/);
  assert.equal((await fetch(`${server.url}/app.git/../../etc/passwd`)).status, 404);
});

test('faults: an error, a delay, no answer at all', async () => {
  const repository = await server.createRepository('faulty');
  await repository.commit({ 'a.txt': 'a' });
  repository.setFault({ status: 503 });
  assert.match((await tryGit(['ls-remote', repository.url])).stderr, /503/);

  repository.setFault({ delayMs: 300 });
  const started = performance.now();
  assert.equal((await tryGit(['ls-remote', repository.url])).code, 0);
  assert.ok(performance.now() - started > 300);

  repository.setFault({ hang: true });
  assert.notEqual((await tryGit(['ls-remote', repository.url], {}, 300)).code, 0);

  repository.setFault(undefined);
  assert.equal((await tryGit(['ls-remote', repository.url])).code, 0);
});

test('requests can be counted', async () => {
  const repository = await server.createRepository('counted');
  await repository.commit({ 'a.txt': 'a' });
  server.clearRequests();
  await tryGit(['ls-remote', repository.url]);
  const finished = await until(
    () => {
      const all = server.requests();
      return all.length === 2 && all.every(({ status }) => status === 200) && all;
    },
    { timeoutMs: 5_000, message: 'two finished requests' },
  );
  assert.deepEqual(
    finished.map(({ repository: name, service, method, path }) => [name, service, method, path]),
    [
      ['counted', 'git-upload-pack', 'GET', 'info/refs'],
      ['counted', 'git-upload-pack', 'POST', 'git-upload-pack'],
    ],
  );
});

test('over TLS with its own authority', async () => {
  const secure = await startGitServer({ tls: true });
  try {
    const repository = await secure.createRepository('app');
    await repository.commit({ 'a.txt': 'a' });
    assert.match((await tryGit(['ls-remote', repository.url])).stderr, /certificate/);
    const file = join(work, 'ca.crt');
    await writeFile(file, secure.ca ?? '');
    const trusted = await tryGit(['ls-remote', repository.url], { 'http.sslCAInfo': file });
    assert.equal(trusted.code, 0, trusted.stderr);
  } finally {
    await secure.close();
  }
});
