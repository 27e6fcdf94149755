import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyedDigest } from '../last-build/keyed-digest.ts';
import { variablesDigest } from './variables.ts';

test('variables are told apart, whatever their order', () => {
  const digest = createKeyedDigest(Buffer.from('key'));
  const one = variablesDigest(digest, { vars: { a: '1', b: '2' } });
  assert.equal(variablesDigest(digest, { vars: { b: '2', a: '1' } }), one);
  assert.notEqual(variablesDigest(digest, { vars: { a: '1', b: '3' } }), one);
  assert.notEqual(variablesDigest(digest, { vars: {} }), variablesDigest(digest, undefined));
  assert.notEqual(
    variablesDigest(digest, { vars: {}, always: true }),
    variablesDigest(digest, { vars: {} }),
  );
});

test('a digest says nothing to those who lack the key', () => {
  const vars = { vars: { password: 'hunter2' } };
  const [a, b] = ['one', 'two'].map((key) =>
    variablesDigest(createKeyedDigest(Buffer.from(key)), vars),
  );
  assert.notEqual(a, b);
});
