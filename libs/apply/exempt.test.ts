import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, ManagedFields } from '@weir/kube';
import { withExemptions, withoutFields } from './exempt.ts';

const RULES = [{ prefix: 'kubectl', operation: 'Apply' as const }];

function deployment(spec: object, managedFields: ManagedFields[] = []): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'apps', managedFields },
    spec,
  };
}

function applied(manager: string, fieldsV1: Record<string, unknown>): ManagedFields {
  return { manager, operation: 'Apply', apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1 };
}

function exempted(
  pointers: string[],
  desired: object,
  live: object,
  entries: ManagedFields[] = [],
) {
  const object = deployment(desired);
  const context = { live: deployment(live, entries), merged: deployment({ ...live, ...desired }) };
  const how = { fieldManager: 'kustomize-controller', rules: RULES };
  return withExemptions(object, pointers, { ...context, ...how }).spec;
}

test('what differs only in exempt fields is the same without them', () => {
  const a = deployment({ replicas: 1, paused: false });
  const b = deployment({ replicas: 5, paused: false });
  const pointers = ['/spec/replicas', '/spec/nothing/here', 'nonsense'];
  assert.deepEqual(withoutFields(a, pointers), withoutFields(b, pointers));
  assert.equal(withoutFields(a, []), a);
  assert.deepEqual(a.spec, { replicas: 1, paused: false });
});

test('escaped steps and items of lists', () => {
  const object = {
    ...deployment({ list: [{ a: 1 }, { a: 2 }] }),
    metadata: { name: 'x', annotations: { 'a/b~c': '1', d: '2' } },
  };
  const rest = withoutFields(object, ['/metadata/annotations/a~1b~0c', '/spec/list/1/a']);
  assert.deepEqual(rest.metadata.annotations, { d: '2' });
  assert.deepEqual(rest.spec, { list: [{ a: 1 }, {}] });
});

test('a field that only we apply keeps its value', () => {
  const spec = exempted(['/spec/replicas'], { replicas: 1, paused: true }, { replicas: 5 });
  assert.deepEqual(spec, { replicas: 5, paused: true });
});

test('a field that another manager applies too is left out', () => {
  const other = [applied('scaler', { 'f:spec': { 'f:replicas': {} } })];
  const desired = { replicas: 1, paused: true };
  assert.deepEqual(exempted(['/spec/replicas'], desired, { replicas: 5 }, other), { paused: true });
});

test('managers that are taken over from, and our own entry, are not others', () => {
  const fields = { 'f:spec': { 'f:replicas': {} } };
  for (const manager of ['kubectl', 'kustomize-controller']) {
    const entries = [applied(manager, fields)];
    assert.deepEqual(exempted(['/spec/replicas'], { replicas: 1 }, { replicas: 5 }, entries), {
      replicas: 5,
    });
  }
});

test('a field that does not differ stays as it was declared', () => {
  const other = [applied('scaler', { 'f:spec': { 'f:replicas': {} } })];
  assert.deepEqual(exempted(['/spec/replicas'], { replicas: 5 }, { replicas: 5 }, other), {
    replicas: 5,
  });
});

test('a field that is gone from the cluster is left out', () => {
  assert.deepEqual(exempted(['/spec/replicas'], { replicas: 1, paused: true }, { paused: false }), {
    paused: true,
  });
});

test('items of a list are found by their keys', () => {
  const containers = (image: string) => [{ name: 'side' }, { name: 'web', image }];
  const fields = { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } } };
  const pointers = ['/spec/containers/1/image'];
  const desired = { containers: containers('web:1') };
  const live = { containers: containers('web:2') };
  assert.deepEqual(exempted(pointers, desired, live, [applied('updater', fields)]), {
    containers: [{ name: 'side' }, { name: 'web' }],
  });
  assert.deepEqual(exempted(pointers, desired, live), { containers: containers('web:2') });
});
