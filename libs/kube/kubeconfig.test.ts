import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { KubeconfigError } from './errors.ts';
import { inClusterAccess, loadAccess } from './kubeconfig.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'weir-kubeconfig-'));
});
after(() => rm(dir, { recursive: true }));

async function write(name: string, config: object): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, stringify(config));
  return path;
}

function config(name: string, user: object, cluster: object = {}) {
  return {
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server: `https://${name}.example/`, ...cluster } }],
    users: [{ name, user }],
  };
}

describe('a kubeconfig', () => {
  it('gives the cluster and the user of its current context', async () => {
    const path = await write(
      'full',
      config('one', { token: 't' }, { 'tls-server-name': 'api', 'proxy-url': 'http://p:1' }),
    );
    const { cluster, user } = loadAccess(path);
    assert.equal(cluster.server, 'https://one.example');
    assert.equal(cluster.tlsServerName, 'api');
    assert.equal(cluster.proxyUrl, 'http://p:1');
    assert.equal(user.token, 't');
  });

  it('names files relative to itself', async () => {
    const user = {
      'client-certificate': 'tls.crt',
      'client-key': '/keys/tls.key',
      tokenFile: 'token',
      exec: { apiVersion: 'v1', command: './bin/plugin' },
    };
    const path = await write('files', config('one', user, { 'certificate-authority': 'ca.crt' }));
    const access = loadAccess(path);
    assert.equal(access.cluster.caFile, join(dir, 'ca.crt'));
    assert.equal(access.user.certFile, join(dir, 'tls.crt'));
    assert.equal(access.user.keyFile, '/keys/tls.key');
    assert.equal(access.tokenFile, join(dir, 'token'));
    assert.equal(access.user.exec.command, join(dir, 'bin/plugin'));
  });

  it('leaves a plugin without a slash to PATH', async () => {
    const path = await write('path', config('one', { exec: { command: 'plugin' } }));
    assert.equal(loadAccess(path).user.exec.command, 'plugin');
  });

  it('may act as another user', async () => {
    const path = await write(
      'as',
      config('one', { as: 'jane', 'as-groups': ['a'], 'as-user-extra': { team: ['x'] } }),
    );
    assert.deepEqual(loadAccess(path).impersonate, {
      user: 'jane',
      groups: ['a'],
      extra: { team: ['x'] },
    });
  });

  it('says what is wrong with it', async () => {
    const rejected = (path: string, message: RegExp) =>
      assert.throws(
        () => loadAccess(path),
        (error) => error instanceof KubeconfigError && message.test(error.message),
      );
    rejected(join(dir, 'missing'), /cannot read kubeconfig .*missing: ENOENT/);
    const { 'current-context': _, ...undecided } = config('one', {});
    rejected(await write('undecided', undecided), /no current-context/);
    rejected(await write('dangling', { ...config('one', {}), users: [] }), /no user "one"/);
    rejected(await write('empty', []), /not a mapping/);
  });
});

describe('without a path', () => {
  it('KUBECONFIG may name several files, and the first one wins', async () => {
    const first = await write('first', {
      contexts: [{ name: 'two', context: { cluster: 'two', user: 'two' } }],
      users: [{ name: 'two', user: { token: 'first' } }],
    });
    const second = await write('second', config('two', { token: 'second' }));
    const list = [first, join(dir, 'missing'), second].join(delimiter);
    const access = loadAccess(undefined, { KUBECONFIG: list });
    assert.equal(access.user.token, 'first');
    assert.equal(access.cluster.server, 'https://two.example');
  });

  it('a pod has its service account', async () => {
    const root = join(dir, 'account');
    await mkdir(root);
    await writeFile(join(root, 'token'), 'abc');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    const access = inClusterAccess(env, root);
    assert.equal(access?.cluster.server, 'https://[fd00::1]:6443');
    assert.equal(access?.tokenFile, join(root, 'token'));
    assert.equal(inClusterAccess({}, root), undefined);
  });

  it('~/.kube/config is used, or the error says what to do', async () => {
    await mkdir(join(dir, 'home', '.kube'), { recursive: true });
    await write('home/.kube/config', config('home', {}));
    assert.equal(loadAccess(undefined, { HOME: join(dir, 'home') }).cluster.name, 'home');
    assert.throws(() => loadAccess(undefined, { HOME: join(dir, 'nobody') }), /set KUBECONFIG/);
  });
});
