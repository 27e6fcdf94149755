import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { CollectedSpan } from '@weir/cluster';
import { stepsOf, typicalSteps } from './steps.ts';

function span(traceId: string, name: string, startMs: number, endMs: number): CollectedSpan {
  const attributes = name === 'fetch' ? { 'git.commit': `commit of ${traceId}` } : {};
  const rest = { resource: {}, status: { code: 'unset' as const }, links: [], events: [] };
  return { traceId, spanId: name, name, startMs, endMs, attributes, ...rest };
}

it('finds the trace of one commit, with times from the start of its round', () => {
  const spans = [
    span('b', 'fetch', 1_020, 1_050),
    span('b', 'reconcile', 1_010, 1_100),
    span('a', 'fetch', 20, 30),
  ];
  assert.deepEqual(stepsOf(spans, 'commit of b', 1_000), [
    { name: 'reconcile', startMs: 10, durationMs: 90 },
    { name: 'fetch', startMs: 20, durationMs: 30 },
  ]);
  assert.deepEqual(stepsOf(spans, 'commit of c', 1_000), []);
});

it('finds the median of each step', () => {
  const rounds = [10, 20, 60].map((at) => [
    { name: 'fetch', startMs: at, durationMs: at * 2 },
    { name: 'fetch', startMs: at + 500, durationMs: 500 },
  ]);
  assert.deepEqual(typicalSteps(rounds), [
    { name: 'fetch', startMs: 20, durationMs: 40, rounds: 3 },
  ]);
});
