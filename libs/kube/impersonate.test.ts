import assert from 'node:assert/strict';
import { it } from 'node:test';
import { impersonationHeaders, serviceAccountUser } from './impersonate.ts';

it('names user, groups and uid', () => {
  assert.deepEqual(impersonationHeaders({ user: 'jane', groups: ['a', 'b'], uid: '1' }), {
    'impersonate-user': 'jane',
    'impersonate-group': ['a', 'b'],
    'impersonate-uid': '1',
  });
  assert.deepEqual(impersonationHeaders(serviceAccountUser('apps', 'deployer')), {
    'impersonate-user': 'system:serviceaccount:apps:deployer',
  });
});

it('encodes what no header name may hold', () => {
  const headers = impersonationHeaders({ user: 'jane', extra: { 'acme.com/Team%': ['blue'] } });
  assert.deepEqual(headers['impersonate-extra-acme.com%2Fteam%25'], ['blue']);
});

it('sends other scripts as UTF-8 bytes', () => {
  const value = impersonationHeaders({ user: 'Zoë' })['impersonate-user'];
  assert.equal(Buffer.from(String(value), 'latin1').toString('utf8'), 'Zoë');
});

it('refuses values that would add a header', () => {
  assert.throws(() => impersonationHeaders({ user: 'a\r\nimpersonate-group: system:masters' }));
  assert.throws(() => impersonationHeaders({ user: '' }));
});
