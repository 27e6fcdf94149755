import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HelmRelease, Kustomization } from '@weir/api';
import { dependentsToGo } from './deletion.ts';
import type { Dependent } from './references.ts';

type Reference = NonNullable<Dependent['spec']['dependsOn']>[number];

function thing(
  name: string,
  dependsOn: Reference[],
  { deleting = true, kind = Kustomization as { kind: string; apiVersion: string } } = {},
): Dependent {
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: { namespace: 'n', name, ...(deleting ? { deletionTimestamp } : {}) },
    spec: { dependsOn },
  };
}

test('those that depend on an object and are being deleted go first', () => {
  const base = thing('base', []);
  const app = thing('app', [{ name: 'base' }]);
  const kept = thing('kept', [{ name: 'base' }], { deleting: false });
  const elsewhere = thing('elsewhere', [{ name: 'base', namespace: 'm' }]);
  const all = [base, app, kept, elsewhere];
  assert.deepEqual(dependentsToGo(base, all), ['Kustomization/n/app']);
  assert.deepEqual(dependentsToGo(app, all), []);
});

test('what was deleted a moment ago waits for what may be deleted with it', () => {
  const base = thing('base', []);
  const app = thing('app', [{ name: 'base' }], { deleting: false });
  assert.deepEqual(dependentsToGo(base, [base, app]), []);
  base.metadata.deletionTimestamp = new Date().toISOString();
  assert.deepEqual(dependentsToGo(base, [base, app]), ['Kustomization/n/app']);
});

test('so do those of the other kind', () => {
  const base = thing('base', []);
  const release = thing('web', [{ kind: 'Kustomization', name: 'base' }], { kind: HelmRelease });
  const other = thing('base', [], { kind: HelmRelease });
  const all = [base, release, other];
  assert.deepEqual(dependentsToGo(base, all), ['HelmRelease/n/web']);
  assert.deepEqual(dependentsToGo(other, all), []);
});

test('what depends on each other does not wait for each other', () => {
  const a = thing('a', [{ name: 'b' }]);
  const b = thing('b', [{ name: 'c' }]);
  const c = thing('c', [{ name: 'a' }]);
  const self = thing('self', [{ name: 'self' }]);
  for (const one of [a, b, c, self]) assert.deepEqual(dependentsToGo(one, [a, b, c, self]), []);
});
