import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type GitServer, type GitServerRepository, startGitServer } from '@weir/cluster';
import { fetchCommit } from './fetch.ts';
import { listWithSubmodules, submoduleUrl } from './submodules.ts';
import { readAllEntries } from './testing/read.ts';

const timeoutMs = 20_000;
const network = { allowLocal: true };

describe('submodules', () => {
  let server: GitServer;
  let other: GitServer;
  let scratch: string;
  let count = 0;
  before(async () => {
    server = await startGitServer();
    other = await startGitServer();
    scratch = await mkdtemp(join(tmpdir(), 'weir-submodules-'));
  });
  after(async () => {
    await server.close();
    await other.close();
    await rm(scratch, { recursive: true, force: true });
  });
  let name: string;
  beforeEach(() => {
    name = `r${++count}`;
  });

  /** Commits files together with submodules: paths with a URL and a commit. */
  async function commitWith(
    repo: GitServerRepository,
    modules: Record<string, { url: string; commit: string }>,
    files: Record<string, string> = {},
  ): Promise<string> {
    const gitmodules = Object.entries(modules)
      .map(([path, { url }]) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`)
      .join('');
    const base = await repo.commit({ ...files, '.gitmodules': gitmodules });
    await repo.git('read-tree', base);
    for (const [path, { commit }] of Object.entries(modules)) {
      await repo.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`);
    }
    const tree = await repo.git('write-tree');
    const who = ['-c', 'user.name=T', '-c', 'user.email=t@e'];
    const id = await repo.git(...who, 'commit-tree', '-p', base, '-m', 'modules', tree);
    await repo.git('update-ref', 'refs/heads/main', id);
    return id;
  }

  async function list(
    repo: GitServerRepository,
    commit: string,
    options: Partial<Parameters<typeof listWithSubmodules>[0]> = {},
  ) {
    const dir = join(scratch, `cache-${name}`);
    const remote = { url: repo.url, network, timeoutMs, ...options };
    await fetchCommit({ ...remote, dir, commit });
    const slotFor = () => (work: () => Promise<never>) => work();
    const all = { ...remote, dir, commit, maxFiles: 1_000, slotFor: slotFor as never, ...options };
    const entries = await listWithSubmodules(all);
    return readAllEntries({ dir, timeoutMs }, entries);
  }

  test('files of submodules and of theirs, absolute and relative', async () => {
    const [deep, lib, app] = await Promise.all(
      ['deep', 'lib', 'app'].map((it) => server.createRepository(`${name}/${it}`)),
    );
    assert.ok(deep && lib && app);
    const inner = await deep.commit({ 'd.txt': 'deep' });
    const middle = await commitWith(
      lib,
      { 'sub/deep': { url: '../deep.git', commit: inner } },
      { 'l.txt': 'lib' },
    );
    await lib.commit({ 'l.txt': 'newer' });
    const commit = await commitWith(
      app,
      { lib: { url: lib.url, commit: middle } },
      { 'a.txt': 'app' },
    );
    const files = await list(app, commit);
    delete files['.gitmodules'];
    delete files['lib/.gitmodules'];
    assert.deepEqual(files, { 'a.txt': 'app', 'lib/l.txt': 'lib', 'lib/sub/deep/d.txt': 'deep' });
  });

  test('a folder that .gitmodules does not name, and a name without a folder, are left out', async () => {
    const repo = await server.createRepository(name);
    const commit = await commitWith(repo, {}, { a: '1' });
    assert.deepEqual(Object.keys(await list(repo, commit)), ['.gitmodules', 'a']);
  });

  test('credentials go to the server of the repository, and to no other', async () => {
    const auth = { username: 'ada', password: 'secret-pw' };
    const [app, near, far] = [
      await server.createRepository(name, { auth }),
      await server.createRepository(`${name}-near`, { auth }),
      await other.createRepository(`${name}-far`),
    ];
    const nearCommit = await near.commit({ n: '1' });
    const farCommit = await far.commit({ f: '1' });
    const modules = {
      near: { url: `../${name}-near.git`, commit: nearCommit },
      far: { url: far.url, commit: farCommit },
    };
    const commit = await commitWith(app, modules);
    assert.ok((await list(app, commit, { auth }))['far/f']);
    far.setAuth(auth);
    name = `${name}-fresh`;
    await assert.rejects(list(app, commit, { auth }), {
      reason: 'AuthenticationFailed',
      message: /^submodule 'far': .*authentication required$/,
    });
  });

  test('an address of this machine is refused in a submodule too', async () => {
    const repo = await server.createRepository(name);
    const commit = await commitWith(repo, {
      x: { url: 'http://169.254.169.254/x', commit: '1'.repeat(40) },
    });
    const dir = join(scratch, `cache-${name}`);
    await fetchCommit({ url: repo.url, network, timeoutMs, dir, commit });
    const slotFor = () => (work: () => Promise<never>) => work();
    await assert.rejects(
      listWithSubmodules({
        ...{ url: repo.url, dir, commit, maxFiles: 10, timeoutMs, slotFor: slotFor as never },
      }),
      { reason: 'AddressRefused', message: /^submodule 'x': / },
    );
  });

  test('a submodule of itself ends at a depth, many end at a number, and files are counted together', async () => {
    const repo = await server.createRepository(name);
    let commit = await repo.commit({ a: '1' });
    for (let depth = 0; depth < 11; depth++) {
      commit = await commitWith(repo, { s: { url: repo.url, commit } }, { a: String(depth) });
    }
    await assert.rejects(list(repo, commit), {
      reason: 'LimitExceeded',
      message: /more than 10 deep/,
    });

    const leaf = await server.createRepository(`${name}-leaf`);
    const one = await leaf.commit({ a: '1', b: '2' });
    const many = Object.fromEntries(
      Array.from({ length: 65 }, (_, index) => [`m${index}`, { url: leaf.url, commit: one }]),
    );
    const wide = await server.createRepository(`${name}-wide`);
    const all = await commitWith(wide, many);
    name = `${name}-wide`;
    await assert.rejects(list(wide, all), {
      reason: 'LimitExceeded',
      message: /more than 64 submodules/,
    });
    await assert.rejects(list(wide, all, { maxFiles: 20 }), {
      reason: 'LimitExceeded',
      message: /more than 20/,
    });
  });

  test('a server that hangs takes no more than the time for all of them', async () => {
    const repo = await server.createRepository(name);
    const slow = await other.createRepository(`${name}-slow`);
    const target = await slow.commit({ a: '1' });
    slow.setFault({ hang: true });
    const commit = await commitWith(repo, { s: { url: slow.url, commit: target } });
    await assert.rejects(list(repo, commit, { timeoutMs: 1_500 }), { reason: 'Timeout' });
  });
});

describe('the URL of a submodule', () => {
  const parent = 'https://git.example/org/app.git';
  for (const [url, expected] of [
    ['../lib.git', 'https://git.example/org/lib.git'],
    ['./lib', 'https://git.example/org/app.git/lib'],
    ['../../other/lib', 'https://git.example/other/lib'],
    ['https://elsewhere.example/x', 'https://elsewhere.example/x'],
    ['git@git.example:org/lib.git', 'ssh://git@git.example/org/lib.git'],
    ['git.example:lib', 'ssh://git.example/lib'],
  ] as const) {
    test(`${url} is followed`, () => assert.equal(submoduleUrl(parent, url, 'x'), expected));
  }
  for (const url of [
    '/srv/secret',
    'file:///srv/secret',
    'secret',
    '../../../../etc',
    '--upload-pack=touch /tmp/x',
    '-u',
    'ext::sh -c "touch /tmp/x"',
    'ssh://-oProxyCommand=touch/x',
    '-oProxyCommand=touch:x',
    'git://git.example/x',
    'ftp://git.example/x',
    'http:///x y',
    '',
    '~/x',
    'C:\\x',
  ]) {
    test(`${JSON.stringify(url)} is refused`, () => {
      assert.throws(() => submoduleUrl(parent, url, 'lib/'), {
        reason: 'InvalidArgument',
        message: /^submodule 'lib': its url /,
      });
    });
  }
});
