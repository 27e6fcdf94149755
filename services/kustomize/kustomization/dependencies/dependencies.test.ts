import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { readGates } from '../../feature-gates.ts';
import { dependencyRules } from './dependencies.ts';

function kustomization(source: string, lastAppliedRevision?: string): Kustomization {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'app', namespace: 'n' },
    spec: { interval: '1m', prune: true, sourceRef: { kind: 'GitRepository', name: source } },
    status: lastAppliedRevision === undefined ? {} : { lastAppliedRevision },
  };
}

function isUpToDate(dependency: Kustomization): boolean | undefined {
  const gates = readGates([], () => undefined);
  const settings = { gates, defaultServiceAccount: '' };
  const clusters = { own: {} };
  const env = { settings, clusters, kustomizations: { get: () => undefined } };
  const run = { env, object: kustomization('git') } as unknown as Parameters<
    typeof dependencyRules
  >[0];
  return dependencyRules(run, { revision: 'main@sha1:2' }).isUpToDate?.(dependency);
}

test('a dependency with the same source has to have applied the same revision', () => {
  assert.equal(isUpToDate(kustomization('git', 'main@sha1:2')), true);
  assert.equal(isUpToDate(kustomization('git', 'main@sha1:1')), false);
  assert.equal(isUpToDate(kustomization('git')), false);
});

test('revisions of different sources are not compared', () => {
  assert.equal(isUpToDate(kustomization('other', 'x@sha1:1')), true);
});
