import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ForgeError } from './errors.ts';
import { checkCommit, ownerAndName, parseRepository } from './repository.ts';
import { setAzureDevOpsStatus } from './statuses/azure-devops.ts';
import { setBitbucketServerStatus } from './statuses/bitbucket-server.ts';
import { setGitHubStatus } from './statuses/github.ts';

it('finds host and path in every form of an address', () => {
  const forms: [address: string, origin: string, path: string][] = [
    ['https://github.com/acme/app', 'https://github.com', 'acme/app'],
    ['https://github.com/acme/app.git', 'https://github.com', 'acme/app'],
    ['http://git.example.com:3000/acme/app/', 'http://git.example.com:3000', 'acme/app'],
    ['ssh://git@git.example.com:2222/acme/app', 'https://git.example.com', 'acme/app'],
    ['git@git.example.com:acme/group/app.git', 'https://git.example.com', 'acme/group/app'],
    ['https://user:s3cret@git.example.com/acme/app', 'https://git.example.com', 'acme/app'],
  ];
  for (const [address, origin, path] of forms) {
    const found = parseRepository(address);
    assert.deepEqual([found.origin, found.path], [origin, path], address);
  }
  for (const address of ['', 'hooks', 'ftp://x/a/b', 'file:///etc/passwd', 'https://']) {
    assert.throws(() => parseRepository(address), ForgeError, address);
  }
});

it('lets no part of an address, nor a commit, become another URL', async () => {
  const paths = ['acme', 'a/b/c', '../user', 'a/..', 'a/.', 'a/b%3Fx', 'a/b?x=1', 'a/%2e%2e', '/a'];
  for (const path of paths) {
    const repository = parseRepository(`https://git.example.com/${path}`);
    if (path.includes('?')) continue;
    assert.throws(() => ownerAndName(repository), ForgeError, path);
  }
  for (const commit of ['', '..', 'main', 'a/b', 'c0ffee?x', '0'.repeat(200)]) {
    assert.throws(() => checkCommit(commit), ForgeError, commit);
  }
  const asked: string[] = [];
  const call = async ({ url }: { url: string }) => {
    asked.push(url);
    return { status: 200, text: '[]' };
  };
  const status = { commit: '..', id: 'i', name: 'n', state: 'success', description: 'd' } as const;
  const credentials = { token: 't' };
  const addresses = ['https://h/a/b', 'https://h/scm/a/b', 'https://h/o/p/_git/r'];
  for (const [index, set] of [
    setGitHubStatus,
    setBitbucketServerStatus,
    setAzureDevOpsStatus,
  ].entries()) {
    const repository = parseRepository(addresses[index] ?? '');
    await assert.rejects(set({ call, repository, credentials, status }), ForgeError);
  }
  assert.deepEqual(asked, []);
});
