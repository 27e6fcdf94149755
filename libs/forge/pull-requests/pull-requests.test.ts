import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connectForge } from '../connect.ts';
import { parseRepository } from '../repository.ts';
import { type FakeForge, startFakeForge } from '../testing/index.ts';
import { type ForgeProvider, openPullRequests, providerOfHost } from './providers.ts';

const branches = { head: 'bumps', base: 'main' };
const texts = { title: 'Bump', body: 'a\nb', labels: ['deps', 'auto'], reviewers: ['ada'] };
const commit = 'a'.repeat(40);

const PATHS: Record<ForgeProvider, string> = {
  github: '/api/v3/repos/org/app',
  gitlab: '/api/v4/projects/org%2Fapp',
  gitea: '/api/v1/repos/org/app',
  bitbucket: '/2.0/repositories/org/app',
  azuredevops: '/org/project/_apis/git/repositories/app',
};

for (const provider of Object.keys(PATHS) as ForgeProvider[]) {
  describe(provider, () => {
    let forge: FakeForge;
    before(async () => {
      forge = await startFakeForge(provider);
      forge.commitOf = () => commit;
    });
    after(() => forge?.close());

    function open(
      credentials: Parameters<typeof openPullRequests>[1]['credentials'] = { token: 't0ken' },
    ) {
      const path = provider === 'azuredevops' ? 'org/project/_git/app' : 'org/app.git';
      const network = { allowLocal: true };
      const call = connectForge({ network, signal: AbortSignal.timeout(20_000) });
      const repository = parseRepository(`${forge.url}/${path}`);
      const apiUrl = provider === 'bitbucket' ? `${forge.url}/2.0/` : undefined;
      return openPullRequests(provider, { call, repository, credentials, apiUrl });
    }

    test('a pull request is opened, found, changed, closed, and found as closed', async () => {
      const api = open();
      assert.equal(await api.find(branches), undefined);
      const opened = await api.open(branches, texts);
      assert.equal(opened.number, 1);
      assert.ok(
        forge.requests.every((it) => it.includes(PATHS[provider]) || it.endsWith('/users')),
      );
      const [made] = forge.pullRequests;
      assert.deepEqual(
        [made?.head, made?.base, made?.title, made?.body],
        ['bumps', 'main', 'Bump', 'a\nb'],
      );
      assert.deepEqual(made?.labels, provider === 'bitbucket' ? [] : texts.labels);
      assert.deepEqual(made?.reviewers, provider === 'gitlab' ? ['7'] : ['ada']);
      const found = await api.find(branches);
      assert.equal(found?.state, 'open');
      assert.equal(found?.title, 'Bump');
      assert.equal(found?.body, 'a\nb');
      assert.ok(found?.headCommit && commit.startsWith(found.headCommit));
      await api.update(opened, { ...texts, title: 'Bump more', labels: [], reviewers: [] });
      assert.equal((await api.find(branches))?.title, 'Bump more');
      await api.close(opened);
      assert.equal((await api.find(branches))?.state, 'closed');
      const again = await api.open(branches, { ...texts, labels: [], reviewers: [] });
      assert.equal((await api.find(branches))?.number, again.number);
      const [, second] = forge.pullRequests;
      if (second) second.state = 'merged';
      assert.equal((await api.find(branches))?.state, 'merged');
    });

    test('a failure names the request, and neither the token nor what the server says', async () => {
      forge.failWith = 403;
      await assert.rejects(open().find(branches), (error: Error) => {
        assert.equal(error.name, 'ForgeError');
        assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/.*: 403 \(the token may not/);
        assert.doesNotMatch(error.message, /secret|t0ken/);
        return true;
      });
      forge.failWith = 302;
      await assert.rejects(open().open(branches, texts), /302/);
      forge.failWith = undefined;
    });

    test('a user and a password are sent as the forge takes them', async () => {
      forge.authorizations.clear();
      await open({ username: 'bot', password: 'pw' }).find(branches);
      const [sent = ''] = forge.authorizations;
      const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
      const expected = { bitbucket: basic('bot:pw'), azuredevops: basic(':pw'), gitea: 'token pw' };
      assert.equal(sent, provider in expected ? expected[provider as 'gitea'] : 'Bearer pw');
    });
  });
}

test('paths that would lead elsewhere are refused', () => {
  const call = () => Promise.reject(new Error('no request'));
  for (const address of [
    'https://github.com/a/b/c',
    'https://github.com/a/..',
    'https://github.com/a/b%2F..',
  ]) {
    const repository = parseRepository(address);
    assert.throws(
      () => openPullRequests('github', { call, repository, credentials: { token: 't' } }),
      {
        name: 'ForgeError',
      },
    );
  }
});

test('addresses of this machine are refused', async () => {
  const forge = await startFakeForge('github');
  try {
    const call = connectForge({ network: {}, signal: AbortSignal.timeout(20_000) });
    const repository = parseRepository(`${forge.url}/org/app`);
    const api = openPullRequests('github', { call, repository, credentials: { token: 't' } });
    await assert.rejects(api.find(branches), { name: 'ForgeError' });
    assert.deepEqual(forge.requests, []);
  } finally {
    await forge.close();
  }
});

test('public hosts say which forge they are', () => {
  const found = [
    'github.com',
    'ssh.github.com:443',
    'gitlab.com',
    'codeberg.org',
    'bitbucket.org',
    'ssh.dev.azure.com',
    'x.visualstudio.com',
    'git.example.com',
  ];
  assert.deepEqual(found.map(providerOfHost), [
    'github',
    'github',
    'gitlab',
    'gitea',
    'bitbucket',
    'azuredevops',
    'azuredevops',
    undefined,
  ]);
});
