import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HelmRelease, READY, RELEASED, REMEDIATED, STALLED, TEST_SUCCESS } from '@weir/api';
import { beginReport, setState } from '@weir/reconcile';
import { helmRelease } from '../release/testing/values.ts';
import { type Report, summarized, withoutObstacle } from './conditions.ts';

const TYPES = { others: [RELEASED, REMEDIATED, TEST_SUCCESS] };
const message = '';

/** A report of generation 2 in which these conditions were said, each of its generation. */
function report(
  ...said: [type: string, status: 'True' | 'False', reason: string, generation?: number][]
): Report {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const conditions = said.map(([type, status, reason, observedGeneration = 2]) => ({
    ...{ type, status, reason, message, observedGeneration, lastTransitionTime },
  }));
  return beginReport({ ...helmRelease(), status: { conditions } }, TYPES);
}

function ready(given: Report, spec: Partial<HelmRelease['spec']> = {}): string {
  const state = summarized(given, helmRelease(spec)).states.get(READY);
  return `${state?.status} ${state?.reason}`;
}

test('Ready says what the release says, and what was remediated is a failure', () => {
  const released = [RELEASED, 'True', 'UpgradeSucceeded'] as const;
  assert.equal(ready(report([...released])), 'True UpgradeSucceeded');
  const failed = [RELEASED, 'False', 'UpgradeFailed'] as const;
  const remediated = [REMEDIATED, 'True', 'RollbackSucceeded'] as const;
  assert.equal(ready(report([...failed], [...remediated])), 'False RollbackSucceeded');
});

test('a newer generation comes before a more important condition', () => {
  const before = [REMEDIATED, 'True', 'RollbackSucceeded', 1] as const;
  const now = [RELEASED, 'True', 'UpgradeSucceeded', 2] as const;
  assert.equal(ready(report([...before], [...now])), 'True UpgradeSucceeded');
});

test('tests count where they are enabled and not ignored', () => {
  const released = [RELEASED, 'True', 'InstallSucceeded'] as const;
  const tested = [TEST_SUCCESS, 'False', 'TestFailed'] as const;
  const given = report([...released], [...tested]);
  assert.equal(ready(given, { test: { enable: true } }), 'False TestFailed');
  const ignored = { enable: true, ignoreFailures: true };
  assert.equal(ready(given, { test: ignored }), 'True InstallSucceeded');
  assert.equal(ready(given), 'True InstallSucceeded');
  assert.equal(summarized(given, helmRelease()).states.get(TEST_SUCCESS), undefined);
});

test('what is ready is not stalled', () => {
  const given = report(
    [RELEASED, 'True', 'InstallSucceeded'],
    [STALLED, 'True', 'RetriesExceeded'],
  );
  assert.equal(summarized(given, helmRelease()).states.get(STALLED), undefined);
});

test('an obstacle that is gone is not said any more, and another one stays', () => {
  const failing = report([READY, 'False', 'ValuesError']);
  assert.equal(withoutObstacle(failing, ['ValuesError']).states.get(READY)?.status, 'Unknown');
  assert.equal(withoutObstacle(failing, ['ArtifactFailed']), failing);
  const none = setState(failing, READY, undefined);
  assert.equal(withoutObstacle(none, ['ValuesError']), none);
});
