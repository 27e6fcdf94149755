import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRequested, RECONCILE_REQUEST } from './annotations.ts';
import { formatReference, resolveReference } from './references.ts';

describe('resolveReference', () => {
  const owner = { metadata: { namespace: 'apps' } };

  it('stays in the namespace of the owner unless told', () => {
    assert.deepEqual(resolveReference({ name: 'a' }, owner), { namespace: 'apps', name: 'a' });
    assert.deepEqual(resolveReference({ name: 'a', namespace: '' }, owner).namespace, 'apps');
    assert.deepEqual(resolveReference({ name: 'a', namespace: 'b' }, owner).namespace, 'b');
  });
});

describe('formatReference', () => {
  it('writes kind, namespace and name', () => {
    const reference = { kind: 'GitRepository', name: 'a' };
    assert.equal(formatReference(reference), 'GitRepository/a');
    assert.equal(formatReference({ ...reference, namespace: 'b' }), 'GitRepository/b/a');
  });
});

describe('isRequested', () => {
  const object = (annotations?: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'x', ...(annotations && { annotations }) },
  });

  it('is true until the token was handled', () => {
    const asked = object({ [RECONCILE_REQUEST]: '2026-01-01T00:00:00Z' });
    assert.equal(isRequested(asked, undefined), true);
    assert.equal(isRequested(asked, 'earlier'), true);
    assert.equal(isRequested(asked, '2026-01-01T00:00:00Z'), false);
    assert.equal(isRequested(object(), undefined), false);
    assert.equal(isRequested(object({ [RECONCILE_REQUEST]: '' }), undefined), false);
  });
});
