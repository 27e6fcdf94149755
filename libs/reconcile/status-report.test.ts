import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from './failure.ts';
import {
  asFailed,
  asProgressing,
  asSucceeded,
  beginReport,
  type CommonStatus,
  finalStatusOf,
  isAwaited,
  isReported,
  type Reconciled,
  setFields,
  setState,
  statusOf,
} from './status-report.ts';

interface Status extends CommonStatus {
  colour?: string;
}
const TYPES = { failures: ['FetchFailed', 'StoreFailed'], others: ['Painted'] };
const reason = 'Broken';

function thing(status?: Status, generation = 1, request?: string): Reconciled<Status> {
  const annotations = request ? { 'reconcile.fluxcd.io/requestedAt': request } : {};
  const metadata = { name: 'thing', namespace: 'apps', generation, annotations };
  return { apiVersion: 'things/v1', kind: 'Thing', metadata, ...(status ? { status } : {}) };
}

const begin = (object: Reconciled<Status>) => beginReport<Status>(object, TYPES);

/** `type=status reason message` of each condition, in order. */
function said({ conditions = [] }: Status): string[] {
  return conditions.map((it) => `${it.type}=${it.status} ${it.reason} ${it.message}`);
}

test('a run that begins and ends well', () => {
  const object = thing();
  const under = asProgressing(begin(object), 'fetching', 'in progress');
  assert.deepEqual(said(statusOf(under, undefined)), [
    'Reconciling=True Progressing fetching',
    'Ready=Unknown Progressing in progress',
  ]);
  const done = asSucceeded(under, { reason: 'Succeeded', message: 'done' });
  const status = finalStatusOf(setFields(done, { colour: 'red' }), object);
  assert.deepEqual(said(status), ['Ready=True Succeeded done']);
  assert.equal(status.observedGeneration, 1);
  assert.equal(status.colour, 'red');
  assert.equal('colour' in setFields(done, { colour: undefined }).fields, false);
});

test('of the failures of a kind one is true at a time, and what was being done goes on', () => {
  const fetch = new Failure(reason, 'no route', { condition: 'FetchFailed' });
  const store = new Failure(reason, 'full', { condition: 'StoreFailed' });
  const first = finalStatusOf(asFailed(asProgressing(begin(thing()), 'fetching'), fetch), thing());
  assert.deepEqual(said(first), [
    'Reconciling=True ProgressingWithRetry fetching',
    'Ready=False Broken no route',
    'FetchFailed=True Broken no route',
  ]);
  assert.equal(first.observedGeneration, undefined);
  assert.equal(isReported(thing(first), fetch), true);
  assert.equal(isReported(thing(first, 2), fetch), false);
  const second = finalStatusOf(asFailed(begin(thing(first)), store), thing(first));
  assert.ok(said(second).includes('StoreFailed=True Broken full'));
  assert.ok(!said(second).some((it) => it.startsWith('FetchFailed')));
});

test('what stalls is observed and waits for another generation', () => {
  const failure = new Failure(reason, 'no', { stalled: true });
  const status = finalStatusOf(asFailed(asProgressing(begin(thing()), 'doing'), failure), thing());
  assert.deepEqual(said(status), ['Stalled=True Broken no', 'Ready=False Broken no']);
  assert.equal(status.observedGeneration, 1);
});

test('conditions of other types stay, and a state that nobody saw is no transition', () => {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const foreign = {
    type: 'Foreign',
    status: 'True',
    reason,
    message: '',
    lastTransitionTime,
  } as const;
  const ready = { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'done' } as const;
  const before: Status = {
    conditions: [foreign, { ...ready, lastTransitionTime, observedGeneration: 1 }],
  };
  const report = asSucceeded(asProgressing(begin(thing(before)), 'looking', 'looking'), ready);
  const after = statusOf(setState(report, 'Painted', undefined), before);
  assert.deepEqual(
    after.conditions?.map((it) => it.lastTransitionTime),
    [lastTransitionTime, lastTransitionTime],
  );
});

test('nothing said is nothing written', () => {
  assert.deepEqual(statusOf(begin(thing()), undefined), {});
});

test('a request is answered by the end of a run, and awaited until then', () => {
  const object = thing({ observedGeneration: 1 }, 1, 'now');
  assert.equal(isAwaited(object), true);
  assert.equal(statusOf(begin(object), object.status).lastHandledReconcileAt, undefined);
  const status = finalStatusOf(begin(object), object);
  assert.equal(status.lastHandledReconcileAt, 'now');
  assert.equal(isAwaited(thing(status, 1, 'now')), false);
  assert.equal(isAwaited(thing(status, 2, 'now')), true);
});
