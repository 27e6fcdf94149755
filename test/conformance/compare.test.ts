import assert from 'node:assert/strict';
import { it } from 'node:test';
import { differences, explain, type Rule } from './compare.ts';

it('finds the smallest part that differs', () => {
  const flux = { app: { Ready: { status: 'True', reason: 'A' }, same: 1 } };
  const weir = { app: { Ready: { status: 'True', reason: 'B' }, same: 1 }, more: 2 };
  assert.deepEqual(differences(flux, weir), [
    { path: 'app > Ready > reason', flux: 'A', weir: 'B' },
    { path: 'more', weir: 2 },
  ]);
  assert.deepEqual(differences(flux, structuredClone(flux)), []);
});

it('compares lists of texts as sets, also with no list at all', () => {
  assert.deepEqual(differences({ a: ['x', 'y'] }, { a: ['y', 'x', 'z'] }), [
    { path: 'a', weir: 'z' },
  ]);
  assert.deepEqual(differences({ a: ['x'] }, {}), [{ path: 'a', flux: 'x' }]);
});

it('compares lists of anything else as a whole', () => {
  const [difference] = differences({ a: [{ b: 1 }] }, { a: [{ b: 2 }] });
  assert.deepEqual(difference, { path: 'a', flux: [{ b: 1 }], weir: [{ b: 2 }] });
});

it('explains only a difference that matches every part of a rule', () => {
  const rule: Rule = { id: 'r', fixture: /^a\//, path: /^events/, flux: /gone$/, weir: 'absent' };
  const difference = { path: 'events > x', flux: 'it is gone' };
  assert.deepEqual(explain([rule], 'a/b', [difference]), [rule]);
  assert.deepEqual(explain([rule], 'b/b', [difference]), [undefined]);
  assert.deepEqual(explain([rule], 'a/b', [{ ...difference, path: 'objects' }]), [undefined]);
  assert.deepEqual(explain([rule], 'a/b', [{ ...difference, flux: 'it is here' }]), [undefined]);
  assert.deepEqual(explain([rule], 'a/b', [{ ...difference, weir: 'it is gone' }]), [undefined]);
});

it('explains a text of a set by the text that replaces it', () => {
  const rule: Rule = { id: 'r', fixture: /./, path: /^events/, flux: /^theirs$/, weir: /^ours$/ };
  const theirs = { path: 'events > x', flux: 'theirs' };
  const ours = { path: 'events > x', weir: 'ours' };
  assert.deepEqual(explain([rule], 'a/b', [theirs, ours]), [rule, rule]);
  assert.deepEqual(explain([rule], 'a/b', [theirs]), [undefined]);
  assert.deepEqual(explain([rule], 'a/b', [theirs, { ...ours, path: 'events > y' }]), [
    undefined,
    undefined,
  ]);
  assert.deepEqual(explain([rule], 'a/b', [theirs, { ...ours, weir: 'others' }]), [
    undefined,
    undefined,
  ]);
});
