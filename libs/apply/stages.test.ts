import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subjectOfObject } from './objects.ts';
import { intoStages, intoWaves, sortObjects } from './stages.ts';

const object = (apiVersion: string, kind: string, name: string, namespace?: string) => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
});

const some = [
  object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'hook'),
  object('example.com/v1', 'Widget', 'w', 'b'),
  object('apps/v1', 'Deployment', 'web', 'a'),
  object('v1', 'Service', 'web', 'b'),
  object('v1', 'Service', 'web', 'a'),
  object('storage.k8s.io/v1', 'StorageClass', 'fast'),
  object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'reader'),
  object('v1', 'Namespace', 'a'),
  object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'widgets.example.com'),
];

test('objects sort by kind, then namespace and name', () => {
  assert.deepEqual(sortObjects(some).map(subjectOfObject), [
    'CustomResourceDefinition/widgets.example.com',
    'Namespace/a',
    'ClusterRole/reader',
    'StorageClass/fast',
    'Service/a/web',
    'Service/b/web',
    'Deployment/a/web',
    'Widget/b/w',
    'ValidatingWebhookConfiguration/hook',
  ]);
});

test('definitions and classes are stages of their own', () => {
  const stages = intoStages(some, new Set(['example.com/Widget']));
  assert.deepEqual(
    stages.map(({ name, awaited, objects }) => [name, awaited, objects.map((o) => o.kind)]),
    [
      ['definitions', true, ['CustomResourceDefinition', 'Namespace', 'ClusterRole']],
      ['classes', true, ['StorageClass']],
      ['custom', false, ['Widget']],
      ['resources', false, ['Service', 'Service', 'Deployment', 'ValidatingWebhookConfiguration']],
    ],
  );
  assert.deepEqual(intoStages([]), []);
});

test('a kind that only shares a name with a definition is no definition', () => {
  const [stage] = intoStages([object('example.com/v1', 'Namespace', 'x', 'a')]);
  assert.equal(stage?.name, 'resources');
});

test('workloads wait for what they need, webhooks for everything', () => {
  const waves = intoWaves(some.slice(0, 5), ({ kind }) => kind);
  assert.deepEqual(
    waves.map((wave) => wave.map(({ kind }) => kind)),
    [['Service', 'Service'], ['Widget', 'Deployment'], ['ValidatingWebhookConfiguration']],
  );
});
