import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { BUILD_FAILED, FETCH_FAILED } from '@weir/api';
import { HelmError } from '@weir/helm';
import { Failure } from '@weir/reconcile';
import { RenderError } from '@weir/render';
import { buildFailure, engineFailure, pullFailure, summaryOf, valuesFilesOf } from './build.ts';

test('a build is told in the words of Flux', () => {
  const chart = { name: 'app', version: '1.0.0+2' };
  equal(
    summaryOf({ ...chart, isPackaged: false, valuesFiles: [] }),
    "pulled 'app' chart with version '1.0.0+2'",
  );
  equal(
    summaryOf({ ...chart, isPackaged: true, valuesFiles: ['a.yaml', 'b.yaml'] }),
    "packaged 'app' chart with version '1.0.0+2' and merged values files [a.yaml b.yaml]",
  );
});

test("the chart's own values alone are as no values files", () => {
  deepEqual(valuesFilesOf(undefined), []);
  deepEqual(valuesFilesOf(['./values.yaml']), []);
  deepEqual(valuesFilesOf(['values.yaml', 'b.yaml']), ['values.yaml', 'b.yaml']);
});

test('what only another spec can mend stalls', () => {
  const told = (failure: unknown) => {
    const { reason, message, condition, stalled } = failure as Failure;
    return [reason, message, condition, stalled];
  };
  deepEqual(told(buildFailure('ValuesFilesError', 'x')), [
    ...['ValuesFilesError', 'values files merge error: x', BUILD_FAILED, true],
  ]);
  deepEqual(told(engineFailure(new RenderError('MemoryLimit', 'x'), 'ChartPackageError')), [
    ...['ChartPackageError', 'chart package error: x', BUILD_FAILED, false],
  ]);
  deepEqual(told(pullFailure(new HelmError('Timeout', 'x'), 'y')), [
    ...['ChartPullError', 'chart pull error: y: x', FETCH_FAILED, false],
  ]);
});

test('a denied download names its reason in the event alone, as in Flux', () => {
  const denied = new HelmError('UnexpectedStatus', 'x : 401 Unauthorized', { status: 401 });
  const failure = pullFailure(denied, 'y') as Failure;
  equal(failure.reason, 'Unknown');
  const message =
    'failed to authenticate with the Helm repository: chart pull error: y: x : 401 Unauthorized';
  deepEqual(failure.event, { severity: 'error', message, reason: 'AuthenticationFailed' });
});

test('what was aborted is no failure', () => {
  const aborted = new HelmError('Aborted', 'x');
  equal(pullFailure(aborted, 'y'), aborted);
  equal(engineFailure(new Error('other'), 'z') instanceof Failure, false);
});
