import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kustomization as kind } from '@weir/api';
import { refusedExpression, unreadyDependency } from './dependencies.ts';
import { type Dependent, dependencyKeys, foreignReference } from './references.ts';

function thing(
  name: string,
  options: { ready?: boolean; outdated?: boolean; generation?: number } = {},
): Dependent {
  const { ready = true, outdated = false, generation = 1 } = options;
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name, namespace: 'n', generation, labels: { outdated: String(outdated) } },
    spec: {},
    status: {
      observedGeneration: 1,
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

async function waits(
  dependency: Dependent | undefined,
  { additive = false, ...fields }: { readyExpr?: string; ready?: boolean; additive?: boolean } = {},
): Promise<string | undefined> {
  const object = thing('app');
  object.spec.dependsOn = [{ name: 'base', ...fields }];
  const look = await unreadyDependency(object, {
    kind,
    missing: (key) => `dependency '${key}' not found`,
    isUpToDate: ({ metadata }) => metadata.labels?.outdated !== 'true',
    find: (key) => (key === 'n/base' ? dependency : undefined),
    isReady: async (expression) =>
      expression === 'what' ? { error: 'no such key: x' } : { value: expression === 'yes' },
    additive,
    get foreign(): never {
      return assert.fail('nothing of another kind is read');
    },
  });
  return look.message;
}

test('a dependency has to be there, ready and up to date', async () => {
  assert.equal(await waits(thing('base')), undefined);
  assert.match(
    (await waits(undefined)) ?? '',
    /^dependency 'n\/base' not found: .*"base" not found$/,
  );
  assert.equal(await waits(thing('base', { ready: false })), "dependency 'n/base' is not ready");
  assert.equal(await waits(thing('base', { generation: 2 })), "dependency 'n/base' is not ready");
  assert.equal(
    await waits(thing('base', { outdated: true })),
    "dependency 'n/base' revision is not up to date",
  );
});

test('an expression decides alone, unless it only adds to the rules', async () => {
  const unready = thing('base', { ready: false });
  assert.equal(await waits(unready, { readyExpr: 'yes' }), undefined);
  assert.equal(
    await waits(thing('base'), { readyExpr: 'no' }),
    "dependency 'n/base' is not ready according to readyExpr eval",
  );
  assert.equal(
    await waits(unready, { readyExpr: 'yes', additive: true }),
    "dependency 'n/base' is not ready",
  );
  assert.equal(await waits(unready, { readyExpr: 'what' }), 'no such key: x');
  assert.match((await waits(undefined, { readyExpr: 'yes' })) ?? '', /not found/);
});

test('a dependency may only have to be there', async () => {
  const unready = thing('base', { ready: false, outdated: true });
  assert.equal(await waits(unready, { ready: false }), undefined);
  assert.match((await waits(undefined, { ready: false })) ?? '', /not found$/);
  assert.match((await waits(unready, { ready: false, readyExpr: 'no' })) ?? '', /readyExpr eval$/);
});

test('what is of another kind is told from what is of the same', () => {
  const object = thing('app');
  const foreign = (reference: object) => foreignReference({ name: 'a', ...reference }, object);
  assert.equal(foreign({}), undefined);
  assert.equal(foreign({ kind: 'Kustomization' }), undefined);
  assert.equal(foreign({ apiVersion: 'kustomize.toolkit.fluxcd.io/v1beta2' }), undefined);
  const place = { name: 'a', namespace: 'n' };
  assert.deepEqual(foreign({ kind: 'HelmRelease' }), {
    ...{ apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease', ...place },
  });
  assert.deepEqual(foreign({ apiVersion: 'v1', kind: 'Kustomization', namespace: 'm' }), {
    ...{ apiVersion: 'v1', kind: 'Kustomization', name: 'a', namespace: 'm' },
  });
  assert.equal(foreign({ kind: 'Job' })?.apiVersion, undefined);
});

test('references take the namespace of the object unless they name one', () => {
  const object = thing('app');
  object.spec.dependsOn = [
    { name: 'a' },
    { name: 'b', namespace: 'm' },
    { name: 'c', apiVersion: 'v1', kind: 'ConfigMap' },
  ];
  assert.deepEqual(dependencyKeys(object), ['n/a', 'm/b']);
});

test('only an expression looks into another namespace', () => {
  const object = thing('app');
  object.spec.dependsOn = [
    { name: 'a', namespace: 'm' },
    { name: 'b', readyExpr: 'true' },
    { name: 'c', namespace: 'n', readyExpr: 'true' },
    { name: 'd', namespace: 'm', readyExpr: '' },
  ];
  assert.equal(refusedExpression(object, kind), undefined);
  object.spec.dependsOn?.push({ name: 'e', namespace: 'm', readyExpr: 'dep.metadata.name' });
  assert.equal(
    refusedExpression(object, kind),
    "can't evaluate readyExpr over 'Kustomization/m/e', cross-namespace references have been blocked",
  );
});
