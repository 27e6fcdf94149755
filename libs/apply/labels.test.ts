import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnedBy, ownerKeyOf, withMetadata, withOwnerLabels } from './labels.ts';

const owner = { group: 'g.io', fieldManager: 'm', namespace: 'flux', name: 'apps' };
const bare = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'a' } };

test('owner labels are added to what is there, on a copy', () => {
  const labelled = {
    ...bare,
    metadata: { ...bare.metadata, labels: { app: 'x', 'g.io/name': 'y' } },
  };
  const [object] = withOwnerLabels([labelled], owner);
  assert.deepEqual(object?.metadata.labels, {
    app: 'x',
    'g.io/name': 'apps',
    'g.io/namespace': 'flux',
  });
  assert.equal(labelled.metadata.labels['g.io/name'], 'y');
  assert.ok(object !== undefined && isOwnedBy(object, owner));
  assert.equal(ownerKeyOf(object, 'g.io'), 'flux/apps');
  assert.equal(isOwnedBy(labelled, owner), false);
  assert.equal(ownerKeyOf(labelled, 'g.io'), undefined);
});

test('common metadata wins, and leaves no empty maps behind', () => {
  assert.deepEqual(withMetadata([bare], {}), [bare]);
  const [object] = withMetadata([bare], { annotations: { a: 'b' } });
  assert.deepEqual(object?.metadata, { ...bare.metadata, annotations: { a: 'b' } });
});
