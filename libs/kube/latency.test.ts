import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLatencyMeter } from './latency.ts';

it('knows how long answers take, and forgets it', () => {
  let now = 0;
  const latency = createLatencyMeter(() => now);
  assert.equal(latency.ms(), 0);
  latency.answered(10);
  assert.equal(latency.ms(), 10);
  for (let answer = 0; answer < 30; answer += 1) latency.answered(200);
  assert.ok(latency.ms() > 190, `${latency.ms()} ms`);
  for (let answer = 0; answer < 30; answer += 1) latency.answered(10);
  assert.ok(latency.ms() < 15, `${latency.ms()} ms`);
  now += 5_000;
  assert.equal(latency.ms(), 0);
  latency.answered(30);
  assert.equal(latency.ms(), 30);
});
