import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { deletesObjects } from './delete.ts';

function kustomization(spec: Partial<Kustomization['spec']>, entries = 1): Kustomization {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'k', namespace: 'n' },
    spec: {
      interval: '1m',
      prune: false,
      sourceRef: { kind: 'GitRepository', name: 'g' },
      ...spec,
    },
    status: { inventory: { entries: Array(entries).fill({ id: 'n_c__ConfigMap', v: 'v1' }) } },
  };
}

test('objects go with their Kustomization when prune or the policy says so', () => {
  assert.equal(deletesObjects(kustomization({ prune: true })), true);
  assert.equal(deletesObjects(kustomization({ prune: false })), false);
  assert.equal(deletesObjects(kustomization({ deletionPolicy: 'Delete' })), true);
  assert.equal(deletesObjects(kustomization({ deletionPolicy: 'WaitForTermination' })), true);
  assert.equal(deletesObjects(kustomization({ prune: true, deletionPolicy: 'Orphan' })), false);
});

test('what is suspended or holds nothing deletes nothing', () => {
  assert.equal(deletesObjects(kustomization({ prune: true, suspend: true })), false);
  assert.equal(deletesObjects(kustomization({ prune: true }, 0)), false);
});
