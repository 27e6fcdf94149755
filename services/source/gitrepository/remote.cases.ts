// Ways to a Git server: over SSH and through proxies, from the Secret to the artifact.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { before, describe, test } from 'node:test';
import { FETCH_FAILED, findCondition, STALLED } from '@weir/api';
import {
  createSshKey,
  type GitServerRepository,
  type SshKey,
  type SshServer,
  startForwardProxy,
  startSshServer,
  until,
} from '@weir/cluster';
import type { Harness } from '../testing/harness.ts';

export function remoteCases(shared: () => Harness): void {
  describe('the way to a Git server', () => {
    let harness: Harness;
    let repo: GitServerRepository;
    let server: SshServer;
    let key: SshKey;
    let commit: string;
    let url: string;

    before(async () => {
      harness = shared();
      repo = await harness.git.createRepository('over-ssh');
      commit = await repo.commit({ 'a.yaml': 'a: 1\n' });
      server = await startSshServer({ root: dirname(repo.dir) });
      harness.stack.defer(() => server.close());
      key = await createSshKey('ed25519', { passphrase: 'a-passphrase' });
      await server.authorize(key);
      url = `${server.url}/over-ssh.git`;
    });

    const secretOf = () => ({
      identity: key.private,
      known_hosts: server.knownHosts,
      password: 'a-passphrase',
    });

    test('with a key, a passphrase and known hosts', async () => {
      const namespace = await harness.namespace();
      await harness.secret(namespace, 'ssh', secretOf());
      await harness.apply(namespace, 'web', { url, secretRef: { name: 'ssh' } });
      const { status } = await harness.ready(namespace, 'web', 'True');
      assert.equal(status?.artifact?.revision, `main@sha1:${commit}`);
    });

    test('what is wrong is named, and mended without a change of the object', async () => {
      const namespace = await harness.namespace();
      const failing = async (data: Record<string, string>, message: RegExp) => {
        await harness.secret(namespace, 'ssh', data);
        await harness.request(namespace, 'web');
        const { status } = await harness.ready(namespace, 'web', 'False', message);
        return findCondition(status?.conditions, FETCH_FAILED)?.reason;
      };
      await harness.apply(namespace, 'web', { url });
      await harness.ready(
        namespace,
        'web',
        'False',
        /invalid 'ssh' auth option: 'identity' is required/,
      );
      await harness.secret(namespace, 'ssh', { ...secretOf(), password: '' });
      await harness.apply(namespace, 'web', { url, secretRef: { name: 'ssh' } });
      const encrypted =
        /^SSH identity key is encrypted but no 'password' field was provided in the secret '[\w-]+\/ssh'$/;
      const { status } = await harness.ready(namespace, 'web', 'False', encrypted);
      assert.equal(findCondition(status?.conditions, FETCH_FAILED)?.reason, 'AuthenticationFailed');
      const other = (await createSshKey()).public;
      const changed = `[127.0.0.1]:${server.port} ${other}\n`;
      const reason = await failing(
        { ...secretOf(), known_hosts: changed },
        /knownhosts: key mismatch/,
      );
      assert.equal(reason, 'GitOperationFailed');
      await failing({ ...secretOf(), known_hosts: `example.com ${other}` }, /key is unknown/);
      await failing({ ...secretOf(), password: 'guessed-one' }, /passphrase in 'password' is not/);
      const said = JSON.stringify([await harness.read(namespace, 'web'), harness.events]);
      assert.doesNotMatch(said, /guessed-one|a-passphrase|PRIVATE KEY/);

      await harness.secret(namespace, 'ssh', secretOf());
      await harness.request(namespace, 'web');
      await harness.ready(namespace, 'web', 'True');
    });

    test('through a proxy that a Secret names', async () => {
      const proxy = await startForwardProxy();
      harness.stack.defer(() => proxy.close());
      const namespace = await harness.namespace();
      const proxySecretRef = { name: 'proxy' };
      await harness.apply(namespace, 'web', { url: repo.url, proxySecretRef });
      const missing = /^failed to configure proxy options: failed to get secret '[\w-]+\/proxy': /;
      await harness.ready(namespace, 'web', 'False', missing);
      await harness.secret(namespace, 'proxy', { username: 'u', password: 'p-secret' });
      await harness.request(namespace, 'web');
      const { status } = await harness.ready(namespace, 'web', 'False', /key 'address' not found$/);
      assert.equal(findCondition(status?.conditions, FETCH_FAILED)?.reason, 'AuthenticationFailed');
      await harness.secret(namespace, 'proxy', { address: proxy.url });
      await harness.request(namespace, 'web');
      await harness.ready(namespace, 'web', 'True');
      assert.ok(proxy.requests().some(({ target }) => target.includes('/over-ssh.git/')));
    });

    test('as a GitHub App, whose token is made once', async (t) => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
      let made = 0;
      const api = createServer((request, response) => {
        const isWanted = request.url === '/app/installations/7/access_tokens';
        if (isWanted) made += 1;
        const expires = new Date(Date.now() + 60 * 60_000).toISOString();
        const body = isWanted ? { token: `ghs_${made}`, expires_at: expires } : { id: 7 };
        response.writeHead(200).end(JSON.stringify(body));
      }).listen(0, '127.0.0.1');
      t.after(() => api.close());
      await once(api, 'listening');
      const baseUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
      const namespace = await harness.namespace();
      const own = await harness.git.createRepository('app', {
        auth: { username: 'x-access-token', password: 'ghs_1' },
      });
      await own.commit({ a: '1' });
      const spec = { url: own.url, provider: 'github' } as const;
      await harness.apply(namespace, 'web', spec);
      const none =
        /^secretRef with github app data must be specified when provider is set to github$/;
      const stalled = await harness.ready(namespace, 'web', 'False', none);
      assert.ok(findCondition(stalled.status?.conditions, STALLED));

      await harness.secret(namespace, 'app', { githubAppID: '42', githubAppPrivateKey: pem });
      await harness.apply(namespace, 'web', { ...spec, secretRef: { name: 'app' } });
      const both =
        /must contain exactly one of 'githubAppInstallationOwner' or 'githubAppInstallationID'$/;
      await harness.ready(namespace, 'web', 'False', both);
      const app = { githubAppInstallationOwner: 'org', githubAppBaseURL: baseUrl };
      await harness.secret(namespace, 'app', {
        githubAppID: '42',
        githubAppPrivateKey: pem,
        ...app,
      });
      await harness.request(namespace, 'web');
      await harness.ready(namespace, 'web', 'True');
      const token = await harness.request(namespace, 'web');
      await until(
        async () => (await harness.read(namespace, 'web')).status?.lastHandledReconcileAt === token,
        { timeoutMs: 10_000, message: 'the request to be handled' },
      );
      assert.equal(made, 1);

      // A revoked token is replaced by a new one.
      own.setAuth({ username: 'x-access-token', password: 'ghs_2' });
      await harness.request(namespace, 'web');
      await until(() => made === 2, { timeoutMs: 10_000, message: 'another token' });
      await harness.ready(namespace, 'web', 'True');
      const said = JSON.stringify([await harness.read(namespace, 'web'), harness.events]);
      assert.doesNotMatch(said, /ghs_|PRIVATE KEY/);

      await harness.apply(namespace, 'generic', { url: own.url, secretRef: { name: 'app' } });
      await harness.ready(
        namespace,
        'generic',
        'False',
        /has github app data but provider is not set to github$/,
      );
    });
  });
}
