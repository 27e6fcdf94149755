import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMove, hasMoved } from './moved.ts';

test('what was applied to one cluster is not meant in another', () => {
  const rows: [id: string | undefined, wasOwn: boolean, recorded: string | undefined, boolean][] = [
    ['one', false, 'one', false],
    ['two', false, 'one', true],
    [undefined, true, 'one', true],
    [undefined, true, undefined, false],
    // From Flux, whose status names no cluster.
    ['one', false, undefined, false],
    // It was applied to the service's own cluster a moment ago.
    ['one', true, undefined, true],
  ];
  for (const [id, wasOwn, recorded, moved] of rows) {
    assert.equal(hasMoved({ id, wasOwn }, recorded), moved, `${id} ${wasOwn} ${recorded}`);
  }
});

test('a message says from which cluster to which', () => {
  const there = { spec: { kubeConfig: { secretRef: { name: 'remote' } } } };
  assert.equal(
    describeMove(there, 'two', undefined),
    'spec.kubeConfig leads to another cluster than before (two, was in-cluster)',
  );
  assert.equal(
    describeMove({ spec: {} }, undefined, 'one'),
    'spec.kubeConfig leads to the own cluster than before (in-cluster, was one)',
  );
});
