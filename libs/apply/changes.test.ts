import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Action, type Change, changeLog, effective, formatChanges } from './changes.ts';

function change(name: string, action: Action): Change {
  return {
    id: { group: 'apps', kind: 'Deployment', namespace: 'shop', name },
    version: 'v1',
    action,
  };
}

const CHANGES = [change('a', 'created'), change('b', 'unchanged'), change('c', 'created')];

test('people are told of what changed, an object a line', () => {
  assert.equal(
    formatChanges(effective(CHANGES)),
    'Deployment/shop/a created\nDeployment/shop/c created',
  );
});

test('logs have every object, or with GroupChangeLog every outcome', () => {
  assert.deepEqual(changeLog(CHANGES, { grouped: false }), {
    'Deployment/shop/a': 'created',
    'Deployment/shop/b': 'unchanged',
    'Deployment/shop/c': 'created',
  });
  assert.deepEqual(changeLog(CHANGES, { grouped: true }), {
    created: ['Deployment/shop/a', 'Deployment/shop/c'],
    unchanged: ['Deployment/shop/b'],
  });
});
