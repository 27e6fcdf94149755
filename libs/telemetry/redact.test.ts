import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redact } from './redact.ts';
import { isSecretKey } from './secretkeys.ts';

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
