import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusedReference, sourceKey } from './references.ts';

const owner = { metadata: { namespace: 'n' } };
const open = { noCrossNamespaceRefs: false, allowExternalArtifact: false };
const closed = { noCrossNamespaceRefs: true, allowExternalArtifact: true };

test('a reference means the namespace of its owner unless it names one', () => {
  assert.equal(sourceKey({ kind: 'Bucket', name: 's' }, owner), 'Bucket/n/s');
  assert.equal(sourceKey({ kind: 'Bucket', name: 's', namespace: 'm' }, owner), 'Bucket/m/s');
});

test('references into other namespaces can be refused', () => {
  const reference = { kind: 'OCIRepository', name: 's', namespace: 'm' };
  assert.equal(refusedReference(reference, owner, open), undefined);
  assert.equal(
    refusedReference(reference, owner, closed),
    "can't access 'OCIRepository/m/s', cross-namespace references have been blocked",
  );
  assert.equal(refusedReference({ ...reference, namespace: 'n' }, owner, closed), undefined);
  assert.equal(refusedReference({ ...reference, namespace: '' }, owner, closed), undefined);
});

test('an ExternalArtifact needs its feature gate', () => {
  const reference = { kind: 'ExternalArtifact', name: 's' };
  assert.equal(
    refusedReference(reference, owner, open),
    "can't access 'ExternalArtifact/n/s', ExternalArtifact feature gate is disabled",
  );
  assert.equal(refusedReference(reference, owner, closed), undefined);
});
