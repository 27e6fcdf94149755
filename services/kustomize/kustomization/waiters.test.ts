import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWaiting } from './waiters.ts';

test('a new run waits for nothing', () => {
  const waiting = createWaiting();
  waiting.forDependency('n/a');
  waiting.forGroup('n/b', 'example.com');
  assert.equal(waiting.waitsForDependency('n/a'), true);
  assert.deepEqual(waiting.announce('example.com'), ['n/b']);
  assert.deepEqual(waiting.announce('other.com'), []);
  waiting.done('n/a');
  waiting.done('n/b');
  assert.equal(waiting.waitsForDependency('n/a'), false);
  assert.deepEqual(waiting.announce('example.com'), []);
});

test('a group is coming for a while after its definitions changed', () => {
  let time = 0;
  const waiting = createWaiting(() => time);
  assert.equal(waiting.isComing('example.com'), false);
  waiting.announce('example.com');
  time = 29_999;
  assert.equal(waiting.isComing('example.com'), true);
  time = 30_000;
  assert.equal(waiting.isComing('example.com'), false);
});
