import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWaiters } from './waiters.ts';

test('a new run waits for nothing', () => {
  const waiters = createWaiters();
  waiters.forDependency('n/a');
  waiters.forGroup('n/b', 'example.com');
  assert.equal(waiters.waitsForDependency('n/a'), true);
  assert.deepEqual(waiters.definitionsChanged('example.com'), ['n/b']);
  assert.deepEqual(waiters.definitionsChanged('other.com'), []);
  waiters.done('n/a');
  waiters.done('n/b');
  assert.equal(waiters.waitsForDependency('n/a'), false);
  assert.deepEqual(waiters.definitionsChanged('example.com'), []);
});

test('a group is coming for a while after its definitions changed', () => {
  let time = 0;
  const waiters = createWaiters(() => time);
  assert.equal(waiters.isComing('example.com'), false);
  waiters.definitionsChanged('example.com');
  time = 29_999;
  assert.equal(waiters.isComing('example.com'), true);
  time = 30_000;
  assert.equal(waiters.isComing('example.com'), false);
});

test('a wait with one revision is published once, until it is over', () => {
  const waiters = createWaiters();
  const text = 'Dependencies do not meet ready condition';
  const isFirst = (revision: string) => waiters.isFirstEvent('n/a', revision, text);
  assert.deepEqual(['1', '1', '2', '2'].map(isFirst), [true, false, true, false]);
  assert.equal(waiters.isFirstEvent('n/a', '2', 'a loop'), true);
  assert.equal(waiters.isFirstEvent('n/b', '2', text), true);
  waiters.done('n/a');
  assert.equal(isFirst('2'), false);
  waiters.forget('n/a');
  assert.equal(isFirst('2'), true);
});
