import { equal, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { createSharedAnswers } from './answers.ts';

test('an answer is shared as long as it is young enough for who asks', async () => {
  let now = 0;
  let asked = 0;
  const answers = createSharedAnswers<number>(() => now);
  const ask = async () => ++asked;
  equal(await answers('a', 0, ask), 1);
  now = 4;
  equal(await answers('a', 5, ask), 1);
  equal(await answers('b', 5, ask), 2, 'another question');
  now = 5;
  equal(await answers('a', 5, ask), 3, 'too old');
  equal(await answers('a', 0, ask), 4, 'never older than the call');
});

test('a failure is nobody else’s answer', async () => {
  const answers = createSharedAnswers<number>();
  await rejects(
    answers('a', 1_000, () => Promise.reject(new Error('down'))),
    /down/,
  );
  equal(await answers('a', 1_000, async () => 1), 1);
});

test('the age counts from the question, as what is true may change before the answer', async () => {
  let now = 0;
  const answers = createSharedAnswers<number>(() => now);
  await answers('a', 0, async () => {
    now = 10;
    return 1;
  });
  equal(await answers('a', 10, async () => 2), 2);
});
