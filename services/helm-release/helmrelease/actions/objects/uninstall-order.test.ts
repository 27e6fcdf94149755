import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uninstallPolicy } from './remove.ts';
import { uninstallOrder } from './uninstall-order.ts';

test('kinds are deleted in the order of Helm, and what it does not know comes last', () => {
  const kinds = ['Zebra', 'Namespace', 'ConfigMap', 'Apple', 'Deployment', 'Service'];
  const sorted = uninstallOrder(kinds.map((kind) => ({ kind })));
  assert.deepEqual(
    sorted.map(({ kind }) => kind),
    ['Service', 'Deployment', 'ConfigMap', 'Namespace', 'Apple', 'Zebra'],
  );
});

test('objects of one kind stay in their order', () => {
  const objects = ['b', 'a', 'c'].map((name) => ({ kind: 'ConfigMap', name }));
  assert.deepEqual(uninstallOrder(objects), objects);
});

test('a resource policy keeps an object, and any other word leaves it alone', () => {
  const policyOf = (value?: string) =>
    uninstallPolicy({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'a',
        annotations: value === undefined ? {} : { 'helm.sh/resource-policy': value },
      },
    });
  assert.equal(policyOf(), 'delete');
  assert.equal(policyOf(' Keep '), 'keep');
  assert.equal(policyOf('delete'), 'ignore');
});
