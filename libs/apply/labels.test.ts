import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnedBy, ownerKeyOf, ownerLabels } from './labels.ts';

const owner = { group: 'g.io', fieldManager: 'm', namespace: 'flux', name: 'apps' };
const object = (labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c', namespace: 'a', ...(labels === undefined ? {} : { labels }) },
});

test('labels say whose an object is', () => {
  const ours = object({ app: 'x', ...ownerLabels(owner) });
  assert.deepEqual(ownerLabels(owner), { 'g.io/name': 'apps', 'g.io/namespace': 'flux' });
  assert.equal(isOwnedBy(ours, owner), true);
  assert.equal(ownerKeyOf(ours, 'g.io'), 'flux/apps');
});

test('both labels have to be there, with both values', () => {
  for (const labels of [undefined, { 'g.io/name': 'apps' }, { 'g.io/namespace': 'flux' }]) {
    assert.equal(isOwnedBy(object(labels), owner), false);
    assert.equal(ownerKeyOf(object(labels), 'g.io'), undefined);
  }
  assert.equal(isOwnedBy(object({ ...ownerLabels(owner), 'g.io/name': 'other' }), owner), false);
});
