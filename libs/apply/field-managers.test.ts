import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fieldsTakeover,
  fromUpdatesToApply,
  managerRules,
  overrideRules,
  takeover,
} from './field-managers.ts';
import { unionFields } from './managed-fields.ts';

const RULES = managerRules('kustomize-controller', ['helm']);

function live(managedFields: object[], annotations?: Record<string, string>) {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'c',
      resourceVersion: '5',
      managedFields,
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}
const entry = (manager: string, operation: string, field: string, subresource?: string) => ({
  manager,
  operation,
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': { [`f:${field}`]: {} } },
  ...(subresource === undefined ? {} : { subresource }),
});

test('nothing is patched where nobody else is', () => {
  const ours = entry('kustomize-controller', 'Apply', 'a');
  const controller = entry('kube-controller-manager', 'Update', 'b');
  const status = entry('kubectl-edit', 'Update', 'c', 'status');
  assert.deepEqual(takeover(live([ours, controller, status]), 'kustomize-controller', RULES), []);
});

test('fields of kubectl join ours', () => {
  const operations = takeover(
    live([
      entry('kubectl-edit', 'Update', 'b'),
      entry('kustomize-controller', 'Apply', 'a'),
      entry('other', 'Update', 'c'),
      entry('helm', 'Update', 'd'),
    ]),
    'kustomize-controller',
    RULES,
  );
  assert.deepEqual(operations, [
    {
      op: 'replace',
      path: '/metadata/managedFields',
      value: [
        entry('other', 'Update', 'c'),
        {
          ...entry('kustomize-controller', 'Apply', 'a'),
          fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {}, 'f:d': {} } },
        },
      ],
    },
    { op: 'replace', path: '/metadata/resourceVersion', value: '5' },
  ]);
});

test('where we never applied, the first foreign entry becomes ours', () => {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: 'x' };
  const operations = takeover(
    live([entry('kubectl-client-side-apply', 'Update', 'a')], annotations),
    'kustomize-controller',
    RULES,
  );
  assert.deepEqual(operations, [
    {
      op: 'remove',
      path: '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration',
    },
    {
      op: 'replace',
      path: '/metadata/managedFields',
      value: [entry('kustomize-controller', 'Apply', 'a')],
    },
    { op: 'replace', path: '/metadata/resourceVersion', value: '5' },
  ]);
});

test('a union of fields keeps members that have children', () => {
  assert.deepEqual(unionFields({ 'f:a': {} }, { 'f:a': { 'f:b': {} } }), {
    'f:a': { '.': {}, 'f:b': {} },
  });
  assert.deepEqual(unionFields({ 'f:a': { '.': {}, 'f:c': {} } }, { 'f:a': { 'f:b': {} } }), {
    'f:a': { '.': {}, 'f:b': {}, 'f:c': {} },
  });
  assert.deepEqual(unionFields({ 'f:a': { 'f:c': {} } }, { 'f:a': { 'f:b': {} } }), {
    'f:a': { 'f:b': {}, 'f:c': {} },
  });
  assert.deepEqual(unionFields(undefined, { 'f:a': {} }), { 'f:a': {} });
});

test('updates of the manager itself join its applies, and annotations stay', () => {
  const before = live(
    [
      entry('helm-controller', 'Update', 'a'),
      entry('helm-controller', 'Update', 's', 'status'),
      entry('kubectl-edit', 'Update', 'b'),
    ],
    { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
  );
  assert.deepEqual(fromUpdatesToApply(before, 'helm-controller'), [
    {
      op: 'replace',
      path: '/metadata/managedFields',
      value: [
        entry('helm-controller', 'Update', 's', 'status'),
        entry('kubectl-edit', 'Update', 'b'),
        entry('helm-controller', 'Apply', 'a'),
      ],
    },
    { op: 'replace', path: '/metadata/resourceVersion', value: '5' },
  ]);
  const applied = live([entry('helm-controller', 'Apply', 'a')]);
  assert.deepEqual(fromUpdatesToApply(applied, 'helm-controller'), []);
});

test('of Helm only the fields of named managers are taken, and nothing is removed', () => {
  const before = live([entry('kubectl-edit', 'Update', 'b'), entry('mine', 'Apply', 'c')], {
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
  });
  const [operation, guard, ...more] = fieldsTakeover(
    before,
    'helm-controller',
    overrideRules(['mine']),
  );
  assert.deepEqual(operation?.value, [
    entry('kubectl-edit', 'Update', 'b'),
    entry('helm-controller', 'Apply', 'c'),
  ]);
  assert.equal(guard?.path, '/metadata/resourceVersion');
  assert.deepEqual(more, []);
});
