import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  createSshKey,
  type ForwardProxy,
  type GitServer,
  type SocksProxy,
  type SshKey,
  type SshServer,
  startForwardProxy,
  startGitServer,
  startSocksProxy,
  startSshServer,
} from '@weir/cluster';
import { GitError } from './errors.ts';
import { parseProxy } from './proxy.ts';
import { listRemote, type RemoteOptions } from './remote.ts';
import { createTestRepository, type TestRepository } from './testing/index.ts';

const timeoutMs = 10_000;
const network = { allowLocal: true };
const login = { username: 'ma:n', password: 'gr@gu-pass' };

const ways: [string, string[] | undefined][] = [
  ['a proxy of a tenant', undefined],
  ['a proxy of a tenant, asked through without git', ['HEAD']],
];
for (const [way, refs] of ways)
  describe(way, () => {
    let http: ForwardProxy;
    let socks: SocksProxy;
    let git: GitServer;
    let secure: GitServer;
    let repository: TestRepository;
    let ssh: SshServer;
    let key: SshKey;

    before(async () => {
      http = await startForwardProxy();
      socks = await startSocksProxy({ ...login, hosts: { 'git.invalid': '127.0.0.1' } });
      git = await startGitServer();
      secure = await startGitServer({ tls: true });
      repository = await createTestRepository();
      await repository.commit({ a: '1' });
      ssh = await startSshServer({ root: join(repository.scratch, '..') });
      key = await createSshKey();
      await ssh.authorize(key);
    });
    after(async () => {
      await Promise.all([http, socks, git, secure, ssh].map((it) => it?.close()));
      await repository?.remove();
    });

    const list = (options: Partial<RemoteOptions> & { url: string }) =>
      listRemote({ network, timeoutMs, ...(refs === undefined ? {} : { refs }), ...options });
    const httpProxy = () => parseProxy(http.url, login.username, login.password);
    const socksProxy = () => parseProxy(socks.url, login.username, login.password);
    const sshAuth = (host: string) => ({
      ssh: { identity: key.private, knownHosts: ssh.knownHosts.replace('127.0.0.1', host) },
    });
    const basic = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;

    test('http: for http, https and ssh, with its credentials', async () => {
      const plain = await git.createRepository('plain');
      await plain.commit({ a: '1' });
      await list({ url: plain.url, proxy: httpProxy() });
      assert.ok(http.requests().some(({ target }) => target.startsWith(`GET ${plain.url}`)));

      const repo = await secure.createRepository('secure');
      await repo.commit({ a: '1' });
      const auth = { caFile: secure.ca ?? '' };
      await list({ url: repo.url, auth, proxy: httpProxy() });
      const { host } = new URL(repo.url);
      assert.ok(http.requests().some(({ target }) => target === `CONNECT ${host}`));

      await list({ url: `${ssh.url}/remote.git`, auth: sshAuth('127.0.0.1'), proxy: httpProxy() });
      const last = http.requests().at(-1);
      assert.equal(last?.target, `CONNECT 127.0.0.1:${ssh.port}`);
      assert.equal(last?.authorization, basic);
    });

    test('socks5: for http and ssh, and the names of hosts are left to it', async () => {
      const repo = await git.createRepository('over-socks');
      await repo.commit({ a: '1' });
      const url = repo.url.replace('127.0.0.1', 'git.invalid');
      await list({ url, proxy: socksProxy() });
      assert.equal(socks.targets().at(-1), `git.invalid:${git.port}`);
      const remote = `ssh://git@git.invalid:${ssh.port}/remote.git`;
      await list({ url: remote, auth: sshAuth('git.invalid'), proxy: socksProxy() });
      assert.equal(socks.targets().at(-1), `git.invalid:${ssh.port}`);
    });

    test('a wrong password is no secret in the message, and a proxy that is not there is named', async () => {
      const wrong = parseProxy(socks.url, login.username, 'wrong-secret');
      const repo = await git.createRepository('refused');
      for (const options of [
        { url: repo.url },
        { url: `${ssh.url}/remote.git`, auth: sshAuth('127.0.0.1') },
      ]) {
        await assert.rejects(list({ ...options, proxy: wrong }), (error: unknown) => {
          assert.ok(error instanceof GitError);
          assert.match(error.message, /^unable to list remote for '[^']*': .*/);
          assert.doesNotMatch(error.message, /wrong-secret/);
          return true;
        });
        const gone = parseProxy('http://127.0.0.1:1');
        await assert.rejects(list({ ...options, proxy: gone }), /127\.0\.0\.1.*(1|ECONNREFUSED)/);
      }
    });

    test('the address of the proxy is checked, and that of the host where it is one', async () => {
      const none = { allowLocal: false };
      const url = 'http://git.example/x';
      for (const address of [http.url, 'http://169.254.169.254:80', 'socks5://[::1]:1080']) {
        for (const remote of [url, 'ssh://git@git.example/x']) {
          await assert.rejects(
            list({ url: remote, auth: sshAuth('x'), proxy: parseProxy(address), network: none }),
            { reason: 'AddressRefused' },
          );
        }
      }
      let lookups = 0;
      const rebinding: NonNullable<RemoteOptions['network']> = {
        resolver: (_host, _options, callback) => {
          lookups += 1;
          callback(null, [{ address: lookups === 1 ? '192.0.2.1' : '127.0.0.1', family: 4 }]);
        },
      };
      const proxy = parseProxy(`http://proxy.invalid:${new URL(http.url).port}`);
      const asked = http.requests().length;
      await assert.rejects(list({ url, proxy, network: rebinding, timeoutMs: 500 }));
      assert.equal(lookups, 1, 'the name of the proxy is looked up once');
      assert.equal(http.requests().length, asked);
      for (const remote of ['http://169.254.169.254/x', 'ssh://git@127.0.0.1/x']) {
        const own = parseProxy('http://192.0.2.1:3128');
        await assert.rejects(
          list({ url: remote, auth: sshAuth('x'), proxy: own, network: none, timeoutMs: 500 }),
          { reason: 'AddressRefused' },
        );
      }
    });
  });

test('addresses of proxies', () => {
  assert.deepEqual(parseProxy('http://a:b%40@proxy:3128/'), {
    url: 'http://proxy:3128',
    username: 'a',
    password: 'b@',
  });
  assert.equal(parseProxy('socks5h://proxy').url, 'socks5://proxy');
  assert.equal(parseProxy('proxy:3128').url, 'http://proxy:3128');
  for (const address of [
    '',
    'ftp://proxy',
    'socks5://pro$(xy)',
    'socks4://proxy',
    'http://',
    'file:///x',
  ]) {
    assert.throws(() => parseProxy(address), { reason: 'InvalidArgument' }, address);
  }
});
