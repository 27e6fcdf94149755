import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contains } from './contains.ts';

it('accepts a value that has more than the part', () => {
  const object = { data: { a: '1', b: '2' }, list: [{ type: 'Ready' }] };
  assert.ok(contains(object, {}));
  assert.ok(contains(object, { data: { a: '1' } }));
  assert.ok(contains(object, { list: { 0: { type: 'Ready' } } }));
  assert.ok(!contains(object, { data: { a: '2' } }));
  assert.ok(!contains(object, { spec: {} }));
});

it('takes null for a field that must be absent', () => {
  assert.ok(contains({ data: {} }, { data: { a: null } }));
  assert.ok(!contains({ data: { a: '1' } }, { data: { a: null } }));
  assert.ok(!contains(null, {}));
});
