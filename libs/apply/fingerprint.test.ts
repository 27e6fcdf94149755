import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, ManagedFields } from '@weir/kube';
import { managerRules } from './field-managers.ts';
import { fingerprint, foreignManagers } from './fingerprint.ts';

const owner = { group: 'g.io', fieldManager: 'ours' };
const rules = managerRules('ours');
const print = (object: KubeObject) => fingerprint(object, owner, rules);

const entry: ManagedFields = {
  manager: 'ours',
  operation: 'Apply',
  apiVersion: 'v1',
  time: '2024-01-01T00:00:00Z',
  fieldsV1: {
    'f:data': { 'f:a': {}, 'f:b': {} },
    'f:metadata': { 'f:labels': { 'f:app': {} }, 'f:annotations': { 'f:note': {} } },
  },
};
const object = (): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'c',
    resourceVersion: '1',
    labels: { app: 'x', other: 'y' },
    annotations: { note: 'n' },
    managedFields: [structuredClone(entry)],
  },
});
function changed(change: (object: KubeObject, own: ManagedFields) => void): string {
  const copy = object();
  const own = copy.metadata.managedFields?.[0];
  assert.ok(own);
  change(copy, own);
  return print(copy);
}
const add = (copy: KubeObject, other: ManagedFields) => copy.metadata.managedFields?.push(other);

test('bookkeeping and fields of others leave it as it is', () => {
  const same = print(object());
  assert.equal(
    changed((copy) => Object.assign(copy.metadata, { resourceVersion: '9' })),
    same,
  );
  assert.equal(
    changed((copy) => Object.assign(copy.metadata.labels ?? {}, { other: 'z' })),
    same,
  );
  const foreign = { manager: 'kubectl', operation: 'Update', subresource: 'status' } as const;
  assert.equal(
    changed((copy) => add(copy, foreign)),
    same,
  );
  assert.equal(
    changed((copy) => add(copy, { manager: 'hpa', operation: 'Update' })),
    same,
  );
  const reordered = {
    'f:metadata': entry.fieldsV1?.['f:metadata'],
    'f:data': { 'f:b': {}, 'f:a': {} },
  };
  assert.equal(
    changed((_, own) => Object.assign(own, { fieldsV1: reordered })),
    same,
  );
});

test('whatever is ours changes it', () => {
  const prints = [
    print(object()),
    changed((copy) => Object.assign(copy.metadata.labels ?? {}, { app: 'z' })),
    changed((copy) => delete copy.metadata.annotations?.note),
    changed((_, own) => Object.assign(own, { fieldsV1: { 'f:data': { 'f:a': {} } } })),
    changed((copy) => add(copy, { manager: 'kubectl-edit', operation: 'Update' })),
    changed((copy) => Object.assign(copy.metadata, { managedFields: [] })),
  ];
  assert.equal(new Set(prints).size, prints.length);
});

test('an object marked Merge may be edited with kubectl', () => {
  const annotations = { note: 'n', 'g.io/ssa': 'Merge' };
  const merged = changed((copy) => Object.assign(copy.metadata, { annotations }));
  const edited = changed((copy) => {
    Object.assign(copy.metadata, { annotations });
    add(copy, { manager: 'kubectl-edit', operation: 'Update' });
  });
  assert.equal(edited, merged);
});

test('the managers of manual changes can be named', () => {
  const copy = object();
  add(copy, { manager: 'kubectl-edit', operation: 'Update' });
  assert.deepEqual(foreignManagers(copy, rules), ['kubectl-edit']);
});

test('any change of a Secret that was applied with stringData changes it', () => {
  const secret = (resourceVersion: string): KubeObject => {
    const own = { ...entry, fieldsV1: { 'f:stringData': { 'f:password': {} } } };
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', resourceVersion, managedFields: [own] },
    };
  };
  assert.notEqual(print(secret('1')), print(secret('2')));
});

test('updates in our name count only where we write by them', () => {
  const updated = changed((copy) => add(copy, { ...entry, manager: 'ours', operation: 'Update' }));
  const by = (operations: ('Apply' | 'Update')[], of: KubeObject) =>
    fingerprint(of, owner, [], operations);
  const withUpdate = object();
  add(withUpdate, { ...entry, operation: 'Update' });
  assert.notEqual(updated, print(object()), 'to an apply it is a manager that must not be there');
  assert.equal(by(['Apply'], withUpdate), by(['Apply'], object()));
  assert.notEqual(by(['Apply', 'Update'], withUpdate), by(['Apply', 'Update'], object()));
});
