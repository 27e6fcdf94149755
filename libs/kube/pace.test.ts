import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createPace } from './pace.ts';

it('knows how long answers take, and forgets it', () => {
  let now = 0;
  const pace = createPace(() => now);
  assert.equal(pace.ms(), 0);
  pace.answered(10);
  assert.equal(pace.ms(), 10);
  for (let answer = 0; answer < 30; answer += 1) pace.answered(200);
  assert.ok(pace.ms() > 190, `${pace.ms()} ms`);
  for (let answer = 0; answer < 30; answer += 1) pace.answered(10);
  assert.ok(pace.ms() < 15, `${pace.ms()} ms`);
  now += 5_000;
  assert.equal(pace.ms(), 0);
  pace.answered(30);
  assert.equal(pace.ms(), 30);
});
