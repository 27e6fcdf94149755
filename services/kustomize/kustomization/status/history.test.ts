import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRepeated, upsertHistory } from './history.ts';

const attempt = (digest: string, status = 'ReconciliationSucceeded', second = 0) => ({
  digest,
  status,
  startedAt: new Date(Date.UTC(2024, 0, 1, 0, 0, second)),
  durationMs: 1500,
  metadata: { revision: `main@sha1:${digest}` },
});

test('the same result is counted and moves to the front', () => {
  let history = upsertHistory([], attempt('a'));
  history = upsertHistory(history, attempt('b', undefined, 10));
  history = upsertHistory(history, attempt('a', undefined, 20));
  assert.deepEqual(
    history.map((entry) => [entry.digest, entry.totalReconciliations, entry.firstReconciled]),
    [
      ['a', 2, '2024-01-01T00:00:01Z'],
      ['b', 1, '2024-01-01T00:00:11Z'],
    ],
  );
  assert.equal(history[0]?.lastReconciled, '2024-01-01T00:00:21Z');
  assert.equal(history[0]?.lastReconciledDuration, '1.5s');
});

test('another status is another snapshot, and five are kept', () => {
  let history = upsertHistory([], attempt('a'));
  history = upsertHistory(history, attempt('a', 'HealthCheckFailed'));
  assert.equal(history.length, 2);
  for (const digest of ['b', 'c', 'd', 'e']) history = upsertHistory(history, attempt(digest));
  assert.deepEqual(
    history.map(({ digest }) => digest),
    ['e', 'd', 'c', 'b', 'a'],
  );
});

test('a repeated attempt is told by digest, status and revision', () => {
  const history = upsertHistory([], attempt('a'));
  assert.equal(isRepeated(history, attempt('a')), true);
  assert.equal(isRepeated(history, attempt('b')), false);
  assert.equal(isRepeated(history, attempt('a', 'HealthCheckFailed')), false);
  assert.equal(isRepeated(history, { ...attempt('a'), metadata: { revision: 'x' } }), false);
  assert.equal(isRepeated([], attempt('a')), false);
});
