// Kubeconfigs as tenants write them.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createAuthority } from '@weir/cluster';
import { stringify } from 'yaml';
import { KubeconfigError } from './errors.ts';
import { readInlineKubeconfig } from './inline-kubeconfig.ts';

const STRICT = { exec: false, insecureTls: false };
const SECRET = 's3cr3t-value';

let ca: string;
let certificate: string;
let key: string;
before(async () => {
  const authority = await createAuthority('inline kubeconfigs');
  ca = authority.certificate;
  ({ certificate, key } = await authority.client('jane'));
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

function kubeconfig(user: object = { token: SECRET }, cluster: object = {}, more: object = {}) {
  return stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'one', user: 'jane' } }],
    clusters: [{ name: 'one', cluster: { server: 'https://one.example:6443', ...cluster } }],
    users: [{ name: 'jane', user }],
    ...more,
  });
}

function refuses(text: string, message: RegExp, rules = STRICT) {
  assert.throws(
    () => readInlineKubeconfig(text, rules),
    (error) => {
      assert.ok(error instanceof KubeconfigError, String(error));
      assert.match(error.message, message);
      assert.ok(!error.message.includes(SECRET), error.message);
      return true;
    },
  );
}

describe('an inline kubeconfig', () => {
  it('gives server, authority and credentials of the current context', () => {
    const cluster = {
      'certificate-authority-data': base64(ca),
      'tls-server-name': 'api',
      'proxy-url': 'http://proxy.example:3128',
    };
    const access = readInlineKubeconfig(kubeconfig(undefined, cluster), STRICT);
    assert.deepEqual(access, {
      server: 'https://one.example:6443',
      insecure: false,
      ca,
      servername: 'api',
      proxy: 'http://proxy.example:3128',
      credentials: { authorization: `Bearer ${SECRET}` },
    });
  });

  it('gives basic authentication, a certificate with its key, and the identity to act as', () => {
    const basic = { username: 'u', password: SECRET };
    assert.deepEqual(readInlineKubeconfig(kubeconfig(basic), STRICT).credentials, {
      authorization: `Basic ${base64(`u:${SECRET}`)}`,
    });
    const pair = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
    assert.deepEqual(readInlineKubeconfig(kubeconfig(pair), STRICT).credentials, {
      cert: certificate,
      key,
    });
    const acting = { token: SECRET, as: 'john', 'as-groups': ['g'] };
    assert.deepEqual(readInlineKubeconfig(kubeconfig(acting), STRICT).impersonate, {
      user: 'john',
      groups: ['g'],
    });
  });

  it('names no file, in any of its entries', () => {
    const files = /references a .*[Ff]ile, only .* is supported$/;
    for (const user of [
      { tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
      { 'token-file': '/etc/passwd' },
      { token: SECRET, tokenFile: '/x' },
      { 'client-certificate': '/x', 'client-key-data': base64(key) },
      { 'client-certificate-data': base64(certificate), 'client-key': '/x' },
    ]) {
      refuses(kubeconfig(user), files);
      const other = {
        users: [
          { name: 'jane', user: { token: 't' } },
          { name: 'other', user },
        ],
      };
      refuses(kubeconfig(undefined, undefined, other), files);
    }
    refuses(kubeconfig(undefined, { 'certificate-authority': '/x' }), files);
  });

  it('runs no program, unless it is allowed', () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'sh',
      args: ['-c', 'id'],
    };
    refuses(kubeconfig({ exec }), /^user 'jane' has its credentials from a program \(exec\)/);
    refuses(kubeconfig({ 'auth-provider': { name: 'oidc' } }), /auth-provider, which is refused/);
    // As in Flux, a refused field doesn't matter for a user who also has a token.
    const both = readInlineKubeconfig(kubeconfig({ token: SECRET, exec }), STRICT);
    assert.equal(both.exec, undefined);
    const allowed = readInlineKubeconfig(kubeconfig({ exec }), { ...STRICT, exec: true });
    assert.deepEqual(allowed.exec, { ...exec, env: [], provideClusterInfo: false });
  });

  it('turns off no verification, unless it is allowed', () => {
    const cluster = { 'insecure-skip-tls-verify': true };
    const insecureTls = { ...STRICT, insecureTls: true };
    assert.equal(readInlineKubeconfig(kubeconfig(undefined, cluster), STRICT).insecure, false);
    assert.equal(readInlineKubeconfig(kubeconfig(undefined, cluster), insecureTls).insecure, true);
    for (const server of ['http://one.example', 'file:///etc/passwd', 'one.example', 'unix:/x']) {
      refuses(kubeconfig(undefined, { server }), /has to be a URL with https:\/\//);
    }
    const plain = kubeconfig(undefined, { server: 'http://one.example' });
    assert.equal(readInlineKubeconfig(plain, insecureTls).server, 'http://one.example');
  });

  it('says what is missing', () => {
    refuses(kubeconfig({}, {}, { 'current-context': '' }), /^it has no current-context/);
    refuses(kubeconfig({}, {}, { 'current-context': 'x' }), /^it has no context "x"$/);
    refuses(kubeconfig({}, {}, { clusters: [] }), /^it has no cluster "one"$/);
    refuses(kubeconfig({}, {}, { users: [] }), /^it has no user "jane"$/);
    refuses(kubeconfig({}, { server: '' }), /^cluster 'one' has no server$/);
    refuses('[]', /^it is not a mapping$/);
    refuses('', /^it is not a mapping$/);
  });

  it('says which certificate is none', () => {
    refuses(kubeconfig({}, { 'certificate-authority-data': '%' }), /that is no base64$/);
    refuses(
      kubeconfig({}, { 'certificate-authority-data': base64('x') }),
      /no certificate in PEM$/,
    );
    const half = { 'client-certificate-data': base64(certificate) };
    refuses(kubeconfig(half), /both or neither$/);
    refuses(
      kubeconfig({ ...half, 'client-key-data': base64(SECRET) }),
      /no certificate with its key$/,
    );
  });

  it('adds no headers by a token', () => {
    refuses(
      kubeconfig({ token: `${SECRET}\r\nX-Remote-User: root` }),
      /characters that no token has/,
    );
  });

  it('quotes nothing of what is no YAML', () => {
    refuses(`users: [{token: ${SECRET}`, /^it is no YAML without aliases: see line \d+$/);
    refuses(`a: &a ${SECRET}\nb: *a\n`, /^it is no YAML without aliases/);
  });

  it('has bounds, and is refused in no time', () => {
    const tooMany = Array.from({ length: 1_001 }, (_, i) => ({ name: `u${i}`, user: {} }));
    refuses(kubeconfig({}, {}, { users: tooMany }), /more than 1000 users$/);
    const started = performance.now();
    refuses('x'.repeat(300 * 1024), /^it has more than 256 KiB$/);
    const times = 100_000;
    refuses('['.repeat(times), /^it has more than 20000 separators$/);
    refuses('{a: '.repeat(times / 4), /^it has more than/);
    refuses('&a '.repeat(times / 2), /^it has more than 20 anchors, aliases and tags$/);
    refuses('!a '.repeat(times / 2), /^it has more than 20 anchors, aliases and tags$/);
    refuses(`a: &x [${'*x, '.repeat(times / 4)}]`, /^it has more than/);
    refuses('- '.repeat(times), /^it has more than 20000 signs/);
    refuses('? '.repeat(times), /^it has more than 20000 signs/);
    refuses('a:\n'.repeat(times / 2), /^it has more than 10000 lines$/);
    refuses(`a: "${'\\n'.repeat(times)}`, /^it is no YAML/);
    for (const sign of ['[', '- ', '? ', '{a: ']) refuses(sign.repeat(10_000), /^it (is|has)/);
    assert.ok(performance.now() - started < 20_000, `${performance.now() - started} ms`);
  });
});
