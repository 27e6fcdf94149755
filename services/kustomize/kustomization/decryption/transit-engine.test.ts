import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireMeant, transitEngineOf } from './transit-engine.ts';

const PATH = 'transit-engine.auth.fluxcd.io/login-path';
const ROLE = 'transit-engine.auth.fluxcd.io/role';
const AUDIENCES = 'credential.auth.fluxcd.io/audiences';

test('an account says how it logs in, wholly or not at all', () => {
  assert.equal(transitEngineOf(undefined), undefined);
  assert.equal(transitEngineOf({ [AUDIENCES]: 'a' }), undefined);
  assert.deepEqual(transitEngineOf({ [PATH]: 'auth/jwt/login', [ROLE]: 'shop' }), {
    ...{ loginPath: 'auth/jwt/login', role: 'shop', audiences: [] },
  });
  const several = { [PATH]: 'p', [ROLE]: 'r', [AUDIENCES]: 'a,b\n c ' };
  assert.deepEqual(transitEngineOf(several)?.audiences, ['a', 'b', 'c']);
  for (const [annotations, message] of [
    [{ [PATH]: 'p' }, /no annotation transit-engine\.auth\.fluxcd\.io\/role/],
    [{ [PATH]: '', [ROLE]: 'r' }, /no annotation transit-engine\.auth\.fluxcd\.io\/login-path/],
    [{ [PATH]: 'p', [ROLE]: 'r'.repeat(300) }, /more than 256 characters/],
    [{ [PATH]: 'p', [ROLE]: 'r', [AUDIENCES]: 'a '.repeat(30) }, /more than 20 audiences/],
  ] as const) {
    assert.throws(() => transitEngineOf(annotations), message);
  }
});

test('a token is for the address of the file, or for one that is listed', async () => {
  const engine = { loginPath: 'p', role: 'r' };
  const [never, always] = [async () => false, async () => true];
  const meant = (audiences: string[], isListed = never) =>
    requireMeant({ ...engine, audiences }, 'https://bao.example', isListed);
  await meant([]);
  await meant(['x', 'https://bao.example']);
  await meant(['x'], always);
  await assert.rejects(meant(['x']), /has tokens for others than 'https:\/\/bao\.example'/);
  await assert.rejects(meant(['https://bao.example/']), /has tokens for others/);
});
