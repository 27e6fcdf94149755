import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { retryIntervalMs, timeoutMs } from './timing.ts';

function kustomization(spec: Partial<Kustomization['spec']>): Kustomization {
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
  };
}

test('a retry takes the interval unless told, and keeps to the floor', () => {
  assert.equal(retryIntervalMs(kustomization({ interval: '1ms' }), 1_000), 1_000);
  assert.equal(retryIntervalMs(kustomization({ retryInterval: '1ms' }), 1_000), 1_000);
  assert.equal(retryIntervalMs(kustomization({ retryInterval: '5s' }), 1_000), 5_000);
  assert.equal(retryIntervalMs(kustomization({ interval: '2s' }), 1_000), 2_000);
});

test('a timeout is at least half a minute, and no longer than a timer counts', () => {
  assert.equal(timeoutMs(kustomization({ timeout: '1ms' })), 30_000);
  assert.equal(timeoutMs(kustomization({ interval: '5m' })), 270_000);
  assert.equal(timeoutMs(kustomization({ timeout: '10000h' })), 2_147_483_647);
});
