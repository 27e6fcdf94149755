import assert from 'node:assert/strict';
import { it } from 'node:test';
import { InvalidHeaders, parseHeaders } from './headers.ts';

const refusal = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof InvalidHeaders);
  assert.match(error.message, message);
  return true;
};

it('reads names with texts, numbers and booleans', () => {
  const text = 'X-Team: a\nX-Retries: 3\nX-Dry-Run: true\nauthorization: "Bearer x y"\n';
  assert.deepEqual(parseHeaders(text), {
    'X-Team': 'a',
    'X-Retries': '3',
    'X-Dry-Run': 'true',
    authorization: 'Bearer x y',
  });
  assert.deepEqual(parseHeaders(''), {});
});

it('refuses what takes the parser seconds, at once', () => {
  const deep = `${'{a: '.repeat(97_000)}`;
  const begun = performance.now();
  assert.throws(() => parseHeaders(deep), refusal(/larger than 16384 bytes/));
  const bomb = `a: &a [x]\nb: [${'*a, '.repeat(1_000)}]\n`;
  assert.throws(() => parseHeaders(bomb), refusal(/not valid YAML without aliases/));
  assert.throws(() => parseHeaders(`${'{a: '.repeat(4_000)}`), InvalidHeaders);
  assert.throws(() => parseHeaders(`${'- '.repeat(8_000)}`), InvalidHeaders);
  assert.ok(performance.now() - begun < 2_000);
});

it('refuses what is no header, without a word of it', () => {
  const many = Array.from({ length: 101 }, (_, i) => `X-${i}: a`).join('\n');
  assert.throws(() => parseHeaders(many), refusal(/more than 100 entries/));
  for (const text of ['X-A: "s3cret\\r\\nX-B: c"', 'X-A: {s3cret: 1}', 's3cret x: a', 'X-A:']) {
    assert.throws(() => parseHeaders(text), refusal(/^has no valid header as entry 1$/));
  }
  assert.throws(() => parseHeaders('- s3cret'), refusal(/^must be a YAML map/));
  assert.throws(() => parseHeaders('"s3cret'), refusal(/^is not valid YAML/));
});

it("leaves out the connection's own headers", () => {
  const text = 'Host: internal\nContent-Length: 1\nTransfer-Encoding: chunked\nX-A: b\n';
  assert.deepEqual(parseHeaders(text), { 'X-A': 'b' });
});
