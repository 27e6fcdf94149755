import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { KubeObject } from '@weir/kube';
import { parse } from 'yaml';
import { APP_KINDS, type AppKind, appFiles } from './app.ts';
import { EDITS } from './edits.ts';

it('changes a field by hand that the app sets, in an object of each kind', () => {
  const files = appFiles({ name: 'app', namespace: 'bench', version: 'v1' });
  const objects = Object.values(files).map((file) => parse(file) as KubeObject);
  const kinds = objects.map(({ kind }) => kind);
  assert.deepEqual(kinds.toSorted(), Object.keys(APP_KINDS).toSorted());
  for (const object of objects) {
    const { patch, field } = EDITS[object.kind as AppKind];
    const set = field(object);
    assert.equal(typeof set, 'string', `${object.kind} sets ${patch[0]?.path}`);
    assert.notEqual(set, patch[0]?.value);
  }
});
