import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Artifact, Kustomization } from '@weir/api';
import { refusedExpression, unreadyDependency } from './dependencies.ts';
import { dependencyKeys } from './references.ts';

const artifact: Artifact = {
  digest: 'sha256:00',
  lastUpdateTime: '2024-01-01T00:00:00Z',
  path: 'p',
  revision: 'main@sha1:2',
  url: 'http://x/p',
};

function kustomization(
  name: string,
  options: { source?: string; ready?: boolean; revision?: string; generation?: number } = {},
): Kustomization {
  const { source = 'git', ready = true, revision = 'main@sha1:2', generation = 1 } = options;
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name, namespace: 'n', generation },
    spec: { interval: '1m', prune: true, sourceRef: { kind: 'GitRepository', name: source } },
    status: {
      observedGeneration: 1,
      lastAppliedRevision: revision,
      conditions: [
        {
          type: 'Ready',
          status: ready ? 'True' : 'False',
          reason: 'R',
          message: '',
          lastTransitionTime: '2024-01-01T00:00:00Z',
        },
      ],
    },
  };
}

function waits(
  dependency: Kustomization | undefined,
  { readyExpr, additive = false }: { readyExpr?: string; additive?: boolean } = {},
): Promise<string | undefined> {
  const object = kustomization('app');
  object.spec.dependsOn = [{ name: 'base', ...(readyExpr === undefined ? {} : { readyExpr }) }];
  return unreadyDependency(object, artifact, {
    find: (key) => (key === 'n/base' ? dependency : undefined),
    isReady: async (expression) =>
      expression === 'what' ? { error: 'no such key: x' } : { value: expression === 'yes' },
    additive,
  });
}

test('a dependency has to be there, ready and up to date', async () => {
  assert.equal(await waits(kustomization('base')), undefined);
  assert.match(
    (await waits(undefined)) ?? '',
    /^dependency 'n\/base' not found: .*"base" not found$/,
  );
  assert.equal(
    await waits(kustomization('base', { ready: false })),
    "dependency 'n/base' is not ready",
  );
  assert.equal(
    await waits(kustomization('base', { generation: 2 })),
    "dependency 'n/base' is not ready",
  );
  assert.equal(
    await waits(kustomization('base', { revision: 'main@sha1:1' })),
    "dependency 'n/base' revision is not up to date",
  );
});

test('revisions of different sources are not compared', async () => {
  assert.equal(
    await waits(kustomization('base', { source: 'other', revision: 'x@sha1:1' })),
    undefined,
  );
});

test('an expression decides alone, unless it only adds to the rules', async () => {
  const unready = kustomization('base', { ready: false });
  assert.equal(await waits(unready, { readyExpr: 'yes' }), undefined);
  assert.equal(
    await waits(kustomization('base'), { readyExpr: 'no' }),
    "dependency 'n/base' is not ready according to readyExpr eval",
  );
  assert.equal(
    await waits(unready, { readyExpr: 'yes', additive: true }),
    "dependency 'n/base' is not ready",
  );
  assert.equal(await waits(unready, { readyExpr: 'what' }), 'no such key: x');
  assert.match((await waits(undefined, { readyExpr: 'yes' })) ?? '', /not found/);
});

test('references take the namespace of the object unless they name one', () => {
  const object = kustomization('app');
  object.spec.dependsOn = [{ name: 'a' }, { name: 'b', namespace: 'm' }];
  assert.deepEqual(dependencyKeys(object), ['n/a', 'm/b']);
});

test('only an expression looks into another namespace', () => {
  const object = kustomization('app');
  object.spec.dependsOn = [
    { name: 'a', namespace: 'm' },
    { name: 'b', readyExpr: 'true' },
    { name: 'c', namespace: 'n', readyExpr: 'true' },
    { name: 'd', namespace: 'm', readyExpr: '' },
  ];
  assert.equal(refusedExpression(object), undefined);
  object.spec.dependsOn.push({ name: 'e', namespace: 'm', readyExpr: 'dep.metadata.name' });
  assert.equal(
    refusedExpression(object),
    "can't evaluate readyExpr over 'Kustomization/m/e', cross-namespace references have been blocked",
  );
});
