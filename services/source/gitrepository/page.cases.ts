import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { GitRepository } from '@weir/api';
import { createSshKey, startSshServer } from '@weir/cluster';
import { pageExamples } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import type { Harness } from '../testing/harness.ts';

/** A key of OpenPGP, and a way to sign with it. */
async function createAuthor() {
  const home = await mkdtemp(join(tmpdir(), 'weir-docs-'));
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--no-tty', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString();
  gpg('--passphrase', '', '--quick-generate-key', 'Ada <ada@e>', 'ed25519', 'sign', '0');
  const id = /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '--list-keys', 'ada@e'))?.[1] ?? '';
  return {
    public: gpg('--armor', '--export', id),
    config: ['-c', `gpg.program=${await wrapped(home)}`, '-c', `user.signingKey=${id}`],
    async close() {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** git starts gpg without arguments of ours. */
async function wrapped(home: string): Promise<string> {
  const file = join(home, 'gpg.sh');
  await writeFile(file, `#!/bin/sh\nexec gpg --homedir '${home}' "$@"\n`, { mode: 0o755 });
  return file;
}

export function pageCases(shared: () => Harness): void {
  test('the examples of docs/gitrepository.md work', async (t) => {
    const harness = shared();
    const author = await createAuthor();
    t.after(() => author.close());
    const login = { username: 'reader', password: 's3cret-pw' };
    const shop = await harness.git.createRepository('shop', { auth: login });
    await shop.commit({ 'a.yaml': 'a: 1\n' }, { tag: '1.0.0' });
    const lib = await harness.git.createRepository('lib');
    await lib.commit({ 'deploy/b.yaml': 'b: 1\n', 'c.yaml': 'c: 1\n' });
    const signed = await harness.git.createRepository('signed');
    const base = await signed.commit({ 'a.yaml': 'a: 1\n' });
    const sign = [...author.config, '-c', 'user.name=Ada', '-c', 'user.email=ada@e'];
    const commit = await signed.git(...sign, 'commit-tree', '-S', '-m', 'x', `${base}^{tree}`);
    await signed.git(...sign, 'tag', '-s', '-m', 'x', 'v1.0.0', commit);
    const ssh = await startSshServer({ root: dirname(shop.dir) });
    t.after(() => ssh.close());
    const key = await createSshKey();
    await ssh.authorize(key);

    const page = await readFile(new URL('../../../docs/gitrepository.md', import.meta.url), 'utf8');
    const yaml = page
      .replaceAll('https://git.example.com', harness.git.url)
      .replaceAll('ssh://git@git.example.com', ssh.url);
    const objects = pageExamples<KubeObject & { stringData?: Record<string, string> }>(yaml)
      .flat()
      // A source that is created before its Secret is retried some seconds later.
      .sort((a, b) => Number(b.kind === 'Secret') - Number(a.kind === 'Secret'));
    /** The contents of Secrets, which the page can't show. */
    const secrets: Record<string, Record<string, string>> = {
      'git-ssh': { identity: key.private, known_hosts: ssh.knownHosts },
      authors: { 'ada.asc': author.public, 'ben.sshpub': key.public },
    };
    await harness.cluster.request('POST', '/api/v1/namespaces', { metadata: { name: 'apps' } });
    for (const object of objects) {
      const own = secrets[object.metadata.name];
      if (own !== undefined) {
        assert.deepEqual(Object.keys(object.stringData ?? {}).sort(), Object.keys(own).sort());
        object.stringData = own;
      }
      const type = await harness.client.discovery.resourceForKind(object.apiVersion, object.kind);
      const strict = { fieldManager: 'reader', fieldValidation: 'Strict' } as const;
      await harness.client.apply(type, object, strict);
    }
    const sources = objects.filter(({ kind }) => kind === 'GitRepository') as GitRepository[];
    assert.equal(sources.length, 6);
    for (const { metadata } of sources) await harness.ready('apps', metadata.name, 'True');
    const { status } = await harness.ready('apps', 'shop-with-lib', 'True');
    const files = await harness.store.fileIndex(status?.artifact?.digest ?? '');
    assert.deepEqual(Object.keys(files), ['a.yaml', 'base/lib/b.yaml']);
  });
}
