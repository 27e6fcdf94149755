import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redact, redactLine } from './redact.ts';
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
        body: Buffer.from('geheim'),
      }),
      {
        url: 'x',
        when,
        headers: [{ Authorization: '***', accept: 'y' }],
        auth: { password: '***', bearerToken: '***', username: 'u' },
        empty: { token: undefined },
        body: '[6 bytes]',
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
    cycle.list = [cycle];
    assert.match(JSON.stringify(redact(cycle)), /too deep/);
  });

  const large: [string, Record<string, unknown>][] = [
    ['many fields', Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]))],
    ['a long list', { list: Array.from({ length: 1_000_000 }, (_, i) => i) }],
    ['many long texts', { list: Array.from({ length: 1_000 }, () => 'x'.repeat(60_000)) }],
    ['a long key', { ['k'.repeat(1_000_000)]: 1 }],
    ['a long text', { text: 'x'.repeat(16_000_000) }],
  ];
  for (const [name, record] of large) {
    it(`bounds ${name}`, () => {
      assert.ok(JSON.stringify(redact(record)).length < 300_000);
    });
  }
});

describe('redactLine', () => {
  it('masks texts, keys and private keys of a line', () => {
    const line = { msg: 'at https://u:geheim@h/?x=geheim', token: 'geheim', n: 1 };
    assert.deepEqual(JSON.parse(redactLine(`${JSON.stringify(line)}\n`)), {
      msg: 'at https://***@h/?x=***',
      token: '***',
      n: 1,
    });
    const key = '-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----';
    assert.doesNotMatch(redactLine(JSON.stringify({ err: { message: key } })), /geheim/);
  });

  it('writes what is no JSON as a message', () => {
    for (const line of ['', 'https://u:geheim@h/', '{"a":', '7', 'null', '"x']) {
      const record = JSON.parse(redactLine(line));
      assert.equal(record.level, 'error');
      assert.doesNotMatch(record.msg, /geheim/);
    }
  });
});
