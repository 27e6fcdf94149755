import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createSshKey, type SshKey, type SshServer, startSshServer } from '@weir/cluster';
import type { GitAuth } from './auth.ts';
import { GitError, type GitReason } from './errors.ts';
import { fetchCommit } from './fetch.ts';
import { listRemote } from './remote.ts';
import { createTestRepository, ed25519InPkcs8, type TestRepository } from './testing/index.ts';

const timeoutMs = 20_000;
/** The servers of these tests are on this machine. */
const network = { allowLocal: true };

function failsWith(reason: GitReason, message: RegExp, hidden = 'no-such-text') {
  return (error: unknown) => {
    assert.ok(error instanceof GitError, String(error));
    assert.equal(error.reason, reason, error.message);
    assert.match(error.message, message);
    assert.ok(!error.message.includes(hidden), 'the message holds what it must not');
    return true;
  };
}

describe('over ssh', () => {
  let repository: TestRepository;
  let root: string;
  let server: SshServer;
  let key: SshKey;
  let commit: string;
  let url: string;

  before(async () => {
    repository = await createTestRepository();
    commit = await repository.commit({ 'a.txt': 'a' });
    root = join(repository.scratch, '..');
    server = await startSshServer({ root });
    key = await createSshKey();
    await server.authorize(key);
    url = `${server.url}/remote.git`;
  });
  after(async () => {
    await server?.close();
    await repository?.remove();
  });

  const authWith = (ssh: Partial<NonNullable<GitAuth['ssh']>> = {}): GitAuth => ({
    ssh: { identity: key.private, knownHosts: server.knownHosts, ...ssh },
  });
  const list = (auth: GitAuth, remote = url) =>
    listRemote({ url: remote, auth, network, timeoutMs });
  const lists = async (auth: GitAuth, remote = url) =>
    assert.equal((await list(auth, remote)).get('refs/heads/main'), commit);

  test('a repository is listed and fetched, shallow and by commit', async () => {
    await lists(authWith());
    const dir = join(repository.scratch, 'fetched');
    await fetchCommit({
      url,
      auth: authWith(),
      commit,
      ref: 'refs/heads/main',
      dir,
      network,
      timeoutMs,
    });
    assert.match(execFileSync('git', ['-C', dir, 'ls-tree', commit]).toString(), /a\.txt/);
    assert.match(await server.log(), /exec git-upload-pack '\/remote\.git'/);
  });

  const kinds: [name: string, make: () => Promise<SshKey>][] = [
    ['rsa', () => createSshKey('rsa', { bits: 2048 })],
    ['rsa in PEM', () => createSshKey('rsa', { bits: 2048, format: 'PEM' })],
    ['rsa in PKCS 8', () => createSshKey('rsa', { bits: 2048, format: 'PKCS8' })],
    ['ecdsa p256', () => createSshKey('ecdsa', { bits: 256 })],
    ['ecdsa p384', () => createSshKey('ecdsa', { bits: 384 })],
    ['ecdsa p521', () => createSshKey('ecdsa', { bits: 521 })],
    ['ecdsa in PEM', () => createSshKey('ecdsa', { bits: 256, format: 'PEM' })],
    ['ed25519', () => createSshKey('ed25519')],
    ['ed25519 in PKCS 8', async () => ed25519InPkcs8()],
  ];
  for (const [name, make] of kinds) {
    test(`a key of type ${name}`, async () => {
      const own = await make();
      await server.authorize(own);
      await lists(authWith({ identity: own.private }));
    });
  }

  test('a key with line ends of Windows and none at its end', async () => {
    await lists(authWith({ identity: key.private.trimEnd().replaceAll('\n', '\r\n') }));
  });

  for (const format of [undefined, 'PEM', 'PKCS8'] as const) {
    test(`a key with a passphrase, in ${format ?? "OpenSSH's format"}`, async () => {
      const passphrase = "it's a $(secret) ä";
      const type = format === undefined ? 'ed25519' : 'rsa';
      const own = await createSshKey(type, { passphrase, ...(format ? { format } : {}) });
      await server.authorize(own);
      await lists(authWith({ identity: own.private, passphrase }));
      const wrong = authWith({ identity: own.private, passphrase: 'wrong-one' });
      const message = /the passphrase in 'password' is not the one of the key/;
      await assert.rejects(list(wrong), failsWith('AuthenticationFailed', message, 'wrong-one'));
      const none = authWith({ identity: own.private });
      await assert.rejects(list(none), failsWith('AuthenticationFailed', message));
    });
  }

  test('a passphrase of two lines is refused and no other program gets the second', async () => {
    const own = await createSshKey('ed25519', { passphrase: 'x-secret' });
    const two = authWith({ identity: own.private, passphrase: 'x-secret\ny' });
    await assert.rejects(list(two), failsWith('InvalidArgument', /one line/, 'x-secret'));
  });

  test('a key that the server does not know, one that is none', async () => {
    const other = await createSshKey();
    await assert.rejects(
      list(authWith({ identity: other.private })),
      failsWith(
        'AuthenticationFailed',
        /unable to authenticate, attempted methods \[none publickey\]/,
      ),
    );
    await assert.rejects(
      list(authWith({ identity: 'not a key' })),
      failsWith('AuthenticationFailed', /'identity' is no private key/, 'not a key'),
    );
  });

  test('what is missing is named as in Flux', async () => {
    await assert.rejects(list({}), failsWith('InvalidArgument', /'identity' is required/));
    await assert.rejects(
      list(authWith({ knownHosts: '\n' })),
      failsWith('InvalidArgument', /invalid 'ssh' auth option: 'known_hosts' is required/),
    );
  });

  test('the user is the one in the URL, else git', async () => {
    await lists(authWith(), url.replace('git@', ''));
    await assert.rejects(
      list(authWith(), url.replace('git@', 'root@')),
      failsWith('AuthenticationFailed', /does not accept the key for this user/),
    );
  });

  test('known_hosts: hashed, wildcards, several names, comments, several keys', async () => {
    const [, type, blob] = server.knownHosts.trim().split(' ');
    const host = `[127.0.0.1]:${server.port}`;
    const other = (await createSshKey()).public;
    const hashed = await hash(server.knownHosts);
    assert.match(hashed, /^\|1\|/);
    for (const knownHosts of [
      hashed,
      `[127.0.0.*]:${server.port} ${type} ${blob}`,
      `example.com,${host},[other]:2 ${type} ${blob} a comment`,
      `# a comment\n\nexample.com ${other}\n${host} ${type} ${blob}\n`,
      `${host} ${other}\n${host} ${type} ${blob}\n`,
    ]) {
      await lists(authWith({ knownHosts }));
    }
  });

  test('a host key that is unknown, for another port, or excluded is refused', async () => {
    const [, type, blob] = server.knownHosts.trim().split(' ');
    for (const knownHosts of [
      `example.com ${type} ${blob}`,
      `127.0.0.1 ${type} ${blob}`,
      `[127.0.0.1]:1 ${type} ${blob}`,
      `[127.0.0.*]:${server.port},![127.0.0.1]:${server.port} ${type} ${blob}`,
      'not a line of known_hosts',
    ]) {
      await assert.rejects(
        list(authWith({ knownHosts })),
        failsWith('AuthenticationFailed', /knownhosts: key is unknown/),
        knownHosts,
      );
    }
  });

  test('a host key that changed, or is revoked, is refused', async () => {
    const host = `[127.0.0.1]:${server.port}`;
    const changed = `${host} ${(await createSshKey()).public}`;
    await assert.rejects(
      list(authWith({ knownHosts: changed })),
      failsWith('AuthenticationFailed', /knownhosts: key mismatch/),
    );
    const revoked = `${server.knownHosts}@revoked ${server.knownHosts}`;
    await assert.rejects(
      list(authWith({ knownHosts: revoked })),
      failsWith('AuthenticationFailed', /knownhosts: key is revoked/),
    );
  });

  test('host certificates: of a known authority, of another, for another host', async (t) => {
    const [authority, host] = [await createSshKey(), await createSshKey()];
    for (const [principal, expected] of [
      ['127.0.0.1', undefined],
      ['example.com', /host certificate|not one that 'known_hosts' accepts|key is unknown/],
    ] as const) {
      const certificate = await certify(authority, host, principal);
      const own = await startSshServer({ root, hostKeys: [host], certificates: [certificate] });
      t.after(() => own.close());
      await own.authorize(key);
      const remote = `${own.url}/remote.git`;
      const knownHosts = `@cert-authority [127.0.0.1]:${own.port} ${authority.public}`;
      // A certificate names hosts without their port.
      if (expected === undefined) await lists(authWith({ knownHosts }), remote);
      else {
        await assert.rejects(
          list(authWith({ knownHosts }), remote),
          failsWith('AuthenticationFailed', expected),
        );
      }
      const stranger = `@cert-authority [127.0.0.1]:${own.port} ${(await createSshKey()).public}`;
      await assert.rejects(
        list(authWith({ knownHosts: stranger }), remote),
        failsWith('AuthenticationFailed', /knownhosts/),
      );
    }
  });

  test('a repository that is not there; what the server says is not shown', async (t) => {
    const loud = await startSshServer({ root, stderr: 'fatal: internal-secret-of-another\n' });
    t.after(() => loud.close());
    await loud.authorize(key);
    await assert.rejects(
      list(authWith({ knownHosts: loud.knownHosts }), `${loud.url}/gone.git`),
      failsWith('RepositoryNotFound', /repository not found/, 'internal-secret'),
    );
    await lists(authWith({ knownHosts: loud.knownHosts }), `${loud.url}/remote.git`);
  });

  test('a server that hangs is left in time, with ssh and its files', async (t) => {
    const silent = await startSshServer({ root, hang: true });
    t.after(() => silent.close());
    await silent.authorize(key);
    const before = await sshFolders();
    await assert.rejects(
      listRemote({
        url: `${silent.url}/remote.git`,
        auth: authWith({ knownHosts: silent.knownHosts }),
        network,
        timeoutMs: 1_500,
      }),
      failsWith('Timeout', /no answer within 1.5s/),
    );
    assert.deepEqual(await sshFolders(), before);
    const running = execFileSync('ps', ['-eo', 'args']).toString();
    assert.ok(!running.includes(`-p ${silent.port}`), 'ssh still runs');
  });

  test('nothing listens there', async () => {
    const closed = await startSshServer({ root });
    await closed.close();
    await assert.rejects(
      list(authWith(), `${closed.url}/remote.git`),
      failsWith('Unreachable', /dial tcp 127\.0\.0\.1:\d+: connection refused/),
    );
  });

  test('ssh is not there', async (t) => {
    const path = process.env.PATH;
    const dir = await mkdtemp(join(tmpdir(), 'weir-no-ssh-'));
    t.after(async () => {
      process.env.PATH = path;
      await rm(dir, { recursive: true, force: true });
    });
    await symlink(execFileSync('which', ['git']).toString().trim(), join(dir, 'git'));
    process.env.PATH = dir;
    await assert.rejects(
      list(authWith()),
      failsWith('GitOperationFailed', /ssh does not run: it has to be installed/),
    );
  });

  test('an address of this machine is refused, by name too', async () => {
    for (const host of ['127.0.0.1', '[::1]', '169.254.169.254', 'localhost']) {
      await assert.rejects(
        listRemote({ url: `ssh://git@${host}/x`, auth: authWith(), timeoutMs }),
        failsWith('AddressRefused', /is refused/),
      );
    }
  });

  test('ssh goes to the address that was checked, and looks nothing up', async () => {
    let lookups = 0;
    const resolver: NonNullable<Parameters<typeof listRemote>[0]['network']>['resolver'] = (
      _host,
      _options,
      callback,
    ) => {
      lookups += 1;
      callback(null, [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    };
    const named = url.replace('127.0.0.1', 'git.invalid');
    const knownHosts = server.knownHosts.replace('127.0.0.1', 'git.invalid');
    const refs = await listRemote({
      ...{ url: named, auth: authWith({ knownHosts }), timeoutMs },
      network: { allowLocal: true, resolver },
    });
    assert.equal(refs.get('HEAD'), commit);
    assert.equal(lookups, 1);
  });

  test('settings of the user and the machine have no effect', async (t) => {
    const home = await mkdtemp(join(tmpdir(), 'weir-home-'));
    t.after(() => rm(home, { recursive: true, force: true }));
    const before = { ...process.env };
    t.after(() => {
      process.env = before;
    });
    await writeFile(join(home, 'config'), 'Host *\n  ProxyCommand touch /tmp/weir-proxy-ran\n');
    process.env.GIT_SSH_COMMAND = 'false';
    process.env.GIT_SSH = 'false';
    process.env.SSH_AUTH_SOCK = join(home, 'agent');
    process.env.HOME = home;
    await lists(authWith());
  });
});

describe('what of a URL reaches ssh', () => {
  const ssh = { identity: 'x', knownHosts: 'x' };
  for (const url of [
    'ssh://-oProxyCommand=touch/x',
    'ssh://-oProxyCommand=touch@host/x',
    'ssh://git@host$(touch /tmp/x)/y',
    "ssh://git@host'/y",
    'ssh://git@ho%20st/y',
    'ssh://git@host%0aProxyCommand/y',
    'ssh://a%0ab@host/y',
    'ssh://a%20b@host/y',
    'ssh://"a@host/y',
    'ssh://%25h@host/y',
    'ssh://git@host',
    'ssh://git@host/',
    'ssh:///x',
  ]) {
    test(`${url} is refused before anything runs`, async () => {
      await assert.rejects(
        listRemote({ url, auth: { ssh }, network, timeoutMs }),
        failsWith('InvalidArgument', /cannot parse url/),
      );
    });
  }
});

async function sshFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('weir-git-ssh-'));
}

/** known_hosts with hashed names, as `HashKnownHosts` makes them. */
async function hash(knownHosts: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-known-hosts-'));
  try {
    const file = join(dir, 'known_hosts');
    await writeFile(file, knownHosts);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'pipe' });
    return execFileSync('cat', [file]).toString();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A host certificate that an authority signs. */
async function certify(authority: SshKey, host: SshKey, principal: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-certify-'));
  try {
    const [ca, file] = [join(dir, 'ca'), join(dir, 'host.pub')];
    await writeFile(ca, authority.private, { mode: 0o600 });
    await writeFile(file, host.public);
    const args = ['-q', '-s', ca, '-I', 'host', '-h', '-n', principal, file];
    execFileSync('ssh-keygen', args, { stdio: 'pipe' });
    return execFileSync('cat', [join(dir, 'host-cert.pub')]).toString();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
