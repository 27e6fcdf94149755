import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { createDroppedEvents } from './dropped.ts';
import { type FluxEvent, parseEvent } from './fluxevent.ts';
import { createShares, SHARE } from './rates.ts';
import { createRepeats } from './repeats.ts';

const MINUTE_MS = 60_000;

function failure(change: Partial<FluxEvent> = {}): FluxEvent {
  return {
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      namespace: 'apps',
      name: 'a',
      uid: 'u',
    },
    severity: 'error',
    timestamp: '2026-01-01T00:00:00Z',
    message: 'build failed',
    reason: 'BuildFailed',
    metadata: { 'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:a' },
    reportingController: 'kustomize-controller',
    reportingInstance: 'pod-1',
    ...change,
  };
}

it('finds the same failure of an object within five minutes of its first, and no other', () => {
  let now = 0;
  const isRepeat = createRepeats(() => now);
  assert.equal(isRepeat(failure()), false);
  for (now = 1_000; now < 5 * MINUTE_MS; now += 1_000) assert.equal(isRepeat(failure()), true);
  assert.equal(isRepeat(failure({ reason: 'Other', timestamp: 'later' })), false, 'a new window');
  assert.equal(isRepeat(failure()), true);
  const others: Partial<FluxEvent>[] = [
    { message: 'health check failed' },
    { involvedObject: { ...failure().involvedObject, name: 'b' } },
    { metadata: { 'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:b' } },
  ];
  for (const other of others) assert.equal(isRepeat(failure(other)), false);
  for (let i = 0; i < 2; i++) assert.equal(isRepeat(failure({ severity: 'info' })), false);
});

it('gives each namespace a share that fills up again, and takes nothing from others', () => {
  let now = 0;
  const take = createShares(() => now);
  let taken = 0;
  while (take('loud', 40_000)) taken += 40_000;
  assert.ok(taken > SHARE.burstBytes - 40_000 && taken <= SHARE.burstBytes);
  assert.equal(take('calm', 1_500), true);
  now += 1_000;
  assert.equal(take('loud', SHARE.bytesPerSecond), true);
  assert.equal(take('loud', SHARE.bytesPerSecond), false);
  now += 24 * 60 * MINUTE_MS;
  assert.equal(take('loud', SHARE.burstBytes + 1), false, 'no more than the burst');
});

it('reports what was dropped once for each namespace, a minute after the first', (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const reported: string[] = [];
  const dropped = createDroppedEvents(({ object, count }) =>
    reported.push(`${object.metadata.namespace}/${object.metadata.name} ${count}`),
  );
  const object = (namespace: string, name: string) => ({
    apiVersion: 'v1',
    kind: 'X',
    metadata: { namespace, name },
  });
  for (const name of ['x', 'y', 'z']) dropped.add(object('a', name));
  dropped.add(object('b', 'x'));
  t.mock.timers.tick(MINUTE_MS - 1);
  assert.deepEqual(reported, []);
  t.mock.timers.tick(1);
  assert.deepEqual(reported, ['a/x 3', 'b/x 1']);
  dropped.add(object('a', 'w'));
  dropped.report();
  t.mock.timers.tick(MINUTE_MS);
  assert.deepEqual(reported.slice(2), ['a/w 1']);
});

it('reads events as the recorder makes them, and nothing else', () => {
  assert.deepEqual(parseEvent(failure()), failure());
  const malformed: unknown[] = [
    undefined,
    null,
    'text',
    [],
    { ...failure(), message: 1 },
    { ...failure(), message: 'x'.repeat(40_000) },
    { ...failure(), severity: 'fatal' },
    { ...failure(), involvedObject: null },
    failure({ involvedObject: { ...failure().involvedObject, name: 'x'.repeat(1_000) } }),
    { ...failure(), metadata: { key: { nested: true } } },
  ];
  for (const data of malformed) assert.equal(parseEvent(data), undefined, JSON.stringify(data));
});
