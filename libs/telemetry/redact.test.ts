import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSecretKey, maskSecrets, redact } from './redact.ts';

describe('maskSecrets', () => {
  const cases: [string, string][] = [
    ['https://me:pa55@git.example/x.git', 'https://***@git.example/x.git'],
    ['https://ghp_abc@git.example/x', 'https://***@git.example/x'],
    ['https://u:p@ss@host/x and http://a:b@c', 'https://***@host/x and http://***@c'],
    ['ssh://git@host/x', 'ssh://git@host/x'],
    ['ssh://git:pw@host/x', 'ssh://***@host/x'],
    ['Authorization: Bearer abcdefghijkl.m-n', 'Authorization: Bearer ***'],
    ['GET https://h/x?access_token=abc&b=1', 'GET https://h/x?access_token=***&b=1'],
    ['mail a@b.c about https://host/@scope/x', 'mail a@b.c about https://host/@scope/x'],
  ];
  for (const [text, expected] of cases) {
    it(text, () => assert.equal(maskSecrets(text), expected));
  }
});

describe('redact', () => {
  it('masks secret keys at any depth and leaves the rest', () => {
    const when = new Date(0);
    assert.deepEqual(
      redact({
        url: 'x',
        when,
        headers: [{ Authorization: 'Bearer x', accept: 'y' }],
        auth: { password: 'p', bearerToken: 't', username: 'u' },
        empty: { token: undefined },
      }),
      {
        url: 'x',
        when,
        headers: [{ Authorization: '***', accept: 'y' }],
        auth: { password: '***', bearerToken: '***', username: 'u' },
        empty: { token: undefined },
      },
    );
  });

  it('knows secret names from harmless ones', () => {
    for (const key of ['token', 'access_token', 'Proxy-Authorization', 'clientSecret', 'apiKey']) {
      assert.equal(isSecretKey(key), true, key);
    }
    for (const key of ['secretRef', 'tokens', 'author', 'key', 'passed']) {
      assert.equal(isSecretKey(key), false, key);
    }
  });

  it('ends on a cycle', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    assert.match(JSON.stringify(redact(cycle)), /too deep/);
  });
});
