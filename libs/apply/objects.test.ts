import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMarked, subjectOf, targetOf } from './objects.ts';

test('an object is named by kind, namespace and name', () => {
  const web = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'a' },
  };
  assert.deepEqual(targetOf(web), {
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: 'a',
    name: 'web',
  });
  assert.equal(subjectOf(targetOf(web)), 'Deployment/a/web');
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } };
  assert.equal(subjectOf(targetOf(namespace)), 'Namespace/a');
});

test('markers are found in labels and annotations, whatever their case', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', labels: { 'x/prune': 'Disabled' }, annotations: { 'x/ssa': 'merge' } },
  };
  assert.equal(isMarked(object, { 'x/prune': 'disabled' }), true);
  assert.equal(isMarked(object, { 'x/other': 'y', 'x/ssa': 'Merge' }), true);
  assert.equal(isMarked(object, { 'x/ssa': 'Ignore' }), false);
  assert.equal(isMarked(undefined, { 'x/ssa': 'Ignore' }), false);
});
