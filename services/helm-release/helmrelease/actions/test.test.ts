import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedOrder } from './test.ts';

const hooks = ['d', 'a', 'c', 'b'].map((name, index) => ({ name, index }));
const namesOf = (order: readonly number[] = []) =>
  order.map((index) => hooks[index]?.name).join('');

test('without filters hooks stay in their order', () => {
  assert.deepEqual(storedOrder(hooks, []), {});
});

test('those that are left out come first', () => {
  assert.equal(namesOf(storedOrder(hooks, [{ name: 'a', exclude: true }]).hookOrder), 'adcb');
  assert.equal(namesOf(storedOrder(hooks, [{ name: 'a' }]).hookOrder), 'dcba');
  const both = [{ name: 'c', exclude: true }, { name: 'a' }];
  assert.equal(namesOf(storedOrder(hooks, both).hookOrder), 'cdba');
});

test('the order goes by the places in storage, whatever the order of running', () => {
  const running = hooks.toReversed();
  assert.equal(namesOf(storedOrder(running, [{ name: 'a' }]).hookOrder), 'dcba');
});
