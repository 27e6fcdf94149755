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

it('refuses an identity that is empty in any part: without one, requests have the rights of the service (CVE-2026-23990)', () => {
  for (const [namespace, name] of [
    ['', ''],
    ['apps', ''],
    ['', 'deployer'],
  ] as const) {
    assert.throws(() => serviceAccountUser(namespace, name), TypeError);
  }
  assert.throws(() => impersonationHeaders({ user: '', groups: [] }), TypeError);
  assert.throws(() => impersonationHeaders({ user: '', groups: ['admins'] }), TypeError);
  assert.throws(() => impersonationHeaders({ user: 'jane', groups: [''] }), TypeError);
  assert.throws(() => impersonationHeaders({ user: 'jane', uid: '' }), TypeError);
  assert.throws(() => impersonationHeaders({ user: 'jane', extra: { team: [''] } }), TypeError);
});
