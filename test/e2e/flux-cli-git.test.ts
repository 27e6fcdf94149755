import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { findCondition, GitRepository, READY } from '@weir/api';
import {
  createAuthority,
  createSshKey,
  type GitServerRepository,
  type SshServer,
  startForwardProxy,
  startGitServer,
  startSshServer,
  until,
} from '@weir/cluster';
import { startWeir, type Weir } from '@weir/kit';
import { type KubeObject, Secret } from '@weir/kube';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';

type SecretObject = KubeObject & { data?: Record<string, string> };

/** The Secrets that the CLI makes for Git, and `create source git` with each of its flags. */
describe('the flux CLI and Git servers', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let flux: Flux;
  let repo: GitServerRepository;
  let ssh: SshServer;
  let commit: string;

  before(async () => {
    weir = await startWeir(started);
    flux = await fluxFor(weir.cluster.kubeconfig);
    await weir.namespace(NAMESPACE);
    const auth = { username: 'reader', password: 's3cret-pw' };
    repo = await weir.repository('private', { auth });
    commit = await repo.commit(
      { 'deploy/a.yaml': 'a: 1\n', 'b.yaml': 'b: 1\n' },
      { tag: 'v1.0.0' },
    );
    ssh = await startSshServer({ root: dirname(repo.dir) });
    started.defer(() => ssh.close());
  });

  /** Writes a file for the CLI to read. */
  async function file(name: string, content: string): Promise<string> {
    const path = join(weir.dir, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  }
  const create = (name: string, ...args: string[]) =>
    flux('create', 'source', 'git', name, '--interval=1h', ...args);
  const specOf = async (name: string) =>
    (await weir.find<GitRepository>(GitRepository, NAMESPACE, name))?.spec;

  it('create secret git and create source git: basic, and every reference', async () => {
    succeeded(
      await flux(
        ...['create', 'secret', 'git', 'login', `--url=${repo.url}`],
        ...['--username=reader', '--password=s3cret-pw'],
      ),
      "git secret 'login' created",
    );
    for (const [name, ref, revision] of [
      ['branch', '--branch=main', `main@sha1:${commit}`],
      ['tag', '--tag=v1.0.0', `v1.0.0@sha1:${commit}`],
      ['semver', '--tag-semver=1.x', `v1.0.0@sha1:${commit}`],
      ['name', '--ref-name=refs/heads/main', `refs/heads/main@sha1:${commit}`],
      ['commit', `--commit=${commit}`, `sha1:${commit}`],
    ] as const) {
      const created = await create(name, `--url=${repo.url}`, '--secret-ref=login', ref);
      succeeded(created, `fetched revision: ${revision}`);
    }
  });

  it('create source git: paths, submodules, a proxy', async () => {
    const proxy = await startForwardProxy();
    started.defer(() => proxy.close());
    const address = `--address=${proxy.url}`;
    succeeded(await flux('create', 'secret', 'proxy', 'proxy', address), "secret 'proxy' created");
    const created = await create(
      ...['paths', `--url=${repo.url}`, '--branch=main', '--secret-ref=login'],
      ...['--sparse-checkout-paths=deploy', '--ignore-paths=*.md', '--recurse-submodules'],
      '--proxy-secret-ref=proxy',
    );
    succeeded(created, `fetched revision: main@sha1:${commit}`);
    const spec = await specOf('paths');
    assert.deepEqual(spec?.sparseCheckout, ['deploy']);
    assert.equal(spec.recurseSubmodules, true);
    assert.deepEqual(spec.proxySecretRef, { name: 'proxy' });
    assert.ok(proxy.requests().length > 0);
  });

  it('create secret git and create source git: ssh, with host keys that the CLI asks for', async () => {
    const key = await createSshKey('ecdsa', { bits: 384 });
    await ssh.authorize(key);
    const path = await file('identity', key.private);
    const url = `${ssh.url}/private.git`;
    succeeded(
      await flux('create', 'secret', 'git', 'ssh', `--url=${url}`, `--private-key-file=${path}`),
      "git secret 'ssh' created",
    );
    succeeded(
      await create('over-ssh', `--url=${url}`, '--branch=main', '--secret-ref=ssh'),
      `fetched revision: main@sha1:${commit}`,
    );
    succeeded(
      await create(
        'own-key',
        `--url=${url}`,
        '--branch=main',
        `--private-key-file=${path}`,
        '--silent',
      ),
      `fetched revision: main@sha1:${commit}`,
    );
  });

  it('create source git: a user, a password and an authority, of which the CLI makes the Secret', async () => {
    const login = ['--username=reader', '--password=s3cret-pw'];
    succeeded(
      await create('inline', `--url=${repo.url}`, '--branch=main', ...login),
      `fetched revision: main@sha1:${commit}`,
    );
    const tls = await startGitServer({ tls: true });
    started.defer(() => tls.close());
    const auth = { username: 'reader', password: 's3cret-pw' };
    const secure = await tls.createRepository('secure', { auth });
    const head = await secure.commit({ 'a.yaml': 'a: 1\n' });
    const ca = `--ca-file=${await file('server-ca', tls.ca ?? '')}`;
    succeeded(
      await create('inline-ca', `--url=${secure.url}`, '--branch=main', ...login, ca),
      `fetched revision: main@sha1:${head}`,
    );
  });

  for (const [algorithm, ...bits] of [
    ['rsa', '--ssh-rsa-bits=3072'],
    ['ecdsa', '--ssh-ecdsa-curve=p521'],
    ['ed25519'],
  ] as const) {
    it(`create source git: with a key of type ${algorithm} that the CLI makes`, async () => {
      const name = `made-${algorithm}`;
      const url = `--url=${ssh.url}/private.git`;
      const flags = [`--ssh-key-algorithm=${algorithm}`, ...bits, '--silent'];
      const creating = create(name, url, '--branch=main', ...flags);
      const made = await until(
        async () =>
          (await weir.find<SecretObject>(Secret, NAMESPACE, name))?.data?.['identity.pub'],
        { timeoutMs: 60_000, message: 'the key' },
      );
      // Somebody adds it to the repository while the CLI waits.
      await ssh.authorize({
        public: Buffer.from(made ?? '', 'base64')
          .toString('utf8')
          .trim(),
      });
      succeeded(await creating, `fetched revision: main@sha1:${commit}`);
    });
  }

  it('create secret tls, create secret githubapp', async () => {
    const authority = await createAuthority('weir-cli');
    const { certificate, key } = await authority.client('reader');
    const tls = await flux(
      ...[
        'create',
        'secret',
        'tls',
        'tls',
        `--ca-crt-file=${await file('ca', authority.certificate)}`,
      ],
      ...[
        `--tls-crt-file=${await file('crt', certificate)}`,
        `--tls-key-file=${await file('key', key)}`,
      ],
    );
    succeeded(tls, "secret 'tls' created");
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    const app = await flux(
      ...['create', 'secret', 'githubapp', 'app', '--app-id=1', '--app-installation-owner=org'],
      ...[`--app-private-key=${await file('app.pem', pem)}`, '--app-base-url=http://127.0.0.1:1'],
    );
    succeeded(app, "'app' created");
    const { data = {} } = (await weir.find<SecretObject>(Secret, NAMESPACE, 'app')) ?? {};
    const keys = Object.keys(data).sort();
    assert.ok(keys.includes('githubAppInstallationOwner'), keys.join());
    const created = await create(
      ...['app', `--url=${repo.url}`, '--branch=main', '--provider=github', '--secret-ref=app'],
      '--timeout=5s',
    );
    assert.notEqual(created.code, 0, 'nothing listens where the API should be');
    const source = await weir.find<GitRepository>(GitRepository, NAMESPACE, 'app');
    const ready = findCondition(source?.status?.conditions, READY);
    assert.match(ready?.message ?? '', /failed to find organization installation: GET http/);
  });
});
