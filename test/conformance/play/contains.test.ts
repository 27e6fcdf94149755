import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contains } from './contains.ts';

it('asks for some of what is there', () => {
  const object = { data: { a: '1', b: '2' }, list: [{ type: 'Ready' }] };
  assert.ok(contains(object, {}));
  assert.ok(contains(object, { data: { a: '1' } }));
  assert.ok(contains(object, { list: { 0: { type: 'Ready' } } }));
  assert.ok(!contains(object, { data: { a: '2' } }));
  assert.ok(!contains(object, { spec: {} }));
});

it('takes null for what must not be there', () => {
  assert.ok(contains({ data: {} }, { data: { a: null } }));
  assert.ok(!contains({ data: { a: '1' } }, { data: { a: null } }));
  assert.ok(!contains(null, {}));
});
