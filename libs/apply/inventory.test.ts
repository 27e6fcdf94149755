import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  entryOf,
  inventoryId,
  namesOfEntries,
  parseInventoryId,
  subtractInventory,
  unionInventory,
} from './inventory.ts';

const RBAC = 'rbac.authorization.k8s.io';

test('ids are written as Flux writes them', () => {
  const cases: [Parameters<typeof inventoryId>[0], string][] = [
    [{ namespace: 'a', name: 'web', group: 'apps', kind: 'Deployment' }, 'a_web_apps_Deployment'],
    [{ namespace: '', name: 'a', group: '', kind: 'Namespace' }, '_a__Namespace'],
    [
      { namespace: '', name: 'system:x', group: RBAC, kind: 'ClusterRole' },
      `_system__x_${RBAC}_ClusterRole`,
    ],
  ];
  for (const [object, id] of cases) {
    assert.equal(inventoryId(object), id);
    assert.deepEqual(parseInventoryId(id), object);
  }
  assert.throws(() => parseInventoryId('no-id'), /unable to parse stored object metadata: no-id/);
});

test('every id comes back as the object it was made of', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,10}[a-z0-9])?$/);
  const core = fc.record(
    {
      namespace: fc.oneof(label, fc.constant('')),
      name: label,
      group: fc.oneof(label, fc.constant('')),
      kind: fc.stringMatching(/^[A-Z][A-Za-z]{0,10}$/),
    },
    { noNullPrototype: true },
  );
  const rbac = fc.record(
    {
      namespace: fc.oneof(label, fc.constant('')),
      name: fc.array(label, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(':')),
      group: fc.constant(RBAC),
      kind: fc.constantFrom('Role', 'ClusterRoleBinding'),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.oneof(core, rbac), (object) => {
      assert.deepEqual(parseInventoryId(inventoryId(object)), object);
    }),
  );
});

test('a union keeps every id once, with the newer version, in apply order', () => {
  const deployment = { namespace: 'a', name: 'web', group: 'apps', kind: 'Deployment' };
  const old = [
    entryOf({ ...deployment, version: 'v1beta1' }),
    entryOf({ namespace: 'a', name: 'gone', group: '', kind: 'ConfigMap', version: 'v1' }),
  ];
  const now = [
    entryOf({ ...deployment, version: 'v1' }),
    entryOf({ namespace: '', name: 'a', group: '', kind: 'Namespace', version: 'v1' }),
  ];
  assert.deepEqual(unionInventory(now, old), [
    { id: '_a__Namespace', v: 'v1' },
    { id: 'a_gone__ConfigMap', v: 'v1' },
    { id: 'a_web_apps_Deployment', v: 'v1' },
  ]);
  assert.deepEqual(subtractInventory(old, now), [{ id: 'a_gone__ConfigMap', v: 'v1' }]);
});

test('a message names the first twenty objects, and counts the others', () => {
  const entries = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ id: `a_web-${i}_apps_Deployment`, v: 'v1' }));
  assert.deepEqual(namesOfEntries(entries(2)), ['Deployment/a/web-0', 'Deployment/a/web-1']);
  assert.equal(namesOfEntries(entries(20)).at(-1), 'Deployment/a/web-19');
  const long = namesOfEntries(entries(23));
  assert.equal(long.length, 21);
  assert.deepEqual(long.slice(-2), ['Deployment/a/web-19', 'and 3 more']);
});
