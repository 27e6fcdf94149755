import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asFailure, Failure } from './failure.ts';

test('a message that quotes a credential shows none', () => {
  const url = 'https://user:geheim@git.example/app.git?private_token=geheim';
  const masked = 'https://***@git.example/app.git?private_token=***';
  assert.equal(new Failure('Broken', `no access to ${url}`).message, `no access to ${masked}`);
  const failure = asFailure(new Error(`no access to ${url}`), 'Broken');
  assert.equal(failure.message, `no access to ${masked}`);
  assert.equal(asFailure(failure, 'Other'), failure);
});
