import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GitRepository } from '@weir/api';
import { Failure } from '@weir/reconcile';
import { authFrom, ownershipKey, sshAuthFrom } from './credentials.ts';

function repository(spec: Partial<GitRepository['spec']>, namespace = 'apps'): GitRepository {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'web', namespace },
    spec: { url: 'https://host/web', interval: '1m', ...spec },
  };
}

describe('a secret', () => {
  const auth = (data: Record<string, string>) => authFrom(new Map(Object.entries(data)), 'a/b');

  test('with a user, a token, certificates', () => {
    assert.deepEqual(auth({ username: 'u', password: 'p' }), { username: 'u', password: 'p' });
    assert.deepEqual(auth({ bearerToken: 't', username: 'u' }), { bearerToken: 't' });
    assert.deepEqual(auth({ caFile: 'old', 'ca.crt': 'new', 'tls.crt': 'c', 'tls.key': 'k' }), {
      caFile: 'new',
      clientCert: 'c',
      clientKey: 'k',
    });
    assert.deepEqual(auth({ caFile: 'old' }), { caFile: 'old' });
  });

  for (const data of [{ password: 'p' }, { 'tls.crt': 'c' }, { githubAppID: '1' }]) {
    test(`with ${Object.keys(data)} alone is refused, its values unsaid`, () => {
      assert.throws(
        () => auth(data),
        (error: unknown) =>
          error instanceof Failure &&
          /AuthenticationFailed|InvalidProviderConfiguration/.test(error.reason) &&
          /a\/b/.test(error.message),
      );
    });
  }
});

describe('a secret for ssh', () => {
  const auth = (data: Record<string, string>) => sshAuthFrom(new Map(Object.entries(data)), 'a/b');

  test('with a key, with a passphrase', () => {
    assert.deepEqual(auth({ identity: 'i', known_hosts: 'k' }), {
      ssh: { identity: 'i', knownHosts: 'k' },
    });
    const data = { identity: 'i', known_hosts: 'k', password: 'p', username: 'ignored' };
    assert.deepEqual(auth(data).ssh?.passphrase, 'p');
  });

  const encrypted = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----';
  for (const [data, reason, message] of [
    [{ known_hosts: 'k' }, 'AuthenticationFailed', /'identity' is required/],
    [{ identity: 'i-secret' }, 'AuthenticationFailed', /'known_hosts' is required/],
    [
      { identity: encrypted, known_hosts: 'k' },
      'AuthenticationFailed',
      /is encrypted but no 'password'/,
    ],
    [{ githubAppID: '1' }, 'InvalidProviderConfiguration', /has github app data/],
  ] as const) {
    test(`with ${Object.keys(data)} alone is refused`, () => {
      assert.throws(() => auth(data as Record<string, string>), { reason, message });
    });
  }
});

test('a replica owns what can share a fetch', () => {
  const key = ownershipKey(repository({ ref: { branch: 'main' } }));
  assert.equal(key, ownershipKey(repository({ ref: { branch: 'main' } }, 'other')));
  assert.notEqual(key, ownershipKey(repository({ ref: { branch: 'dev' } })));
  assert.notEqual(
    key,
    ownershipKey(repository({ url: 'https://host/b', ref: { branch: 'main' } })),
  );
  const secret = { secretRef: { name: 's' } };
  assert.notEqual(ownershipKey(repository(secret)), ownershipKey(repository(secret, 'other')));
});
