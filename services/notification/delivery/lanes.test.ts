import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createFairLimit, orAborted } from '@weir/async';
import { BusUnavailable, type Head } from '@weir/bus';
import { until } from '@weir/cluster';
import { createLogger } from '@weir/telemetry';
import { type Attempt, type AttemptResult, createLanes } from './lanes.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const soon = { timeoutMs: 5_000, intervalMs: 1 };

const headOf = (sequence: number, namespace = 'a', name = 'app'): Head => ({
  sequence,
  subject: `weir.delivery.test.${namespace}.chat.Kustomization.apps.${name}`,
  atMs: 0,
});

/** Attempts that end when the test says so. */
function setup({
  owns = (): boolean => true,
  slots = 16,
  available = (_: AbortSignal): Promise<unknown> => Promise.resolve(),
} = {}) {
  const runs: (Head & Attempt & { end(result: AttemptResult): void })[] = [];
  const lanes = createLanes({
    ...{ owns, available },
    slots: createFairLimit(slots),
    attempt: (head, attempt) => {
      const { promise, resolve, reject } = Promise.withResolvers<AttemptResult>();
      attempt.signal.addEventListener('abort', () => reject(attempt.signal.reason));
      runs.push({ ...head, ...attempt, end: resolve });
      return promise;
    },
    log,
  });
  const begun = () => runs.map(({ sequence }) => sequence);
  const beginning = (count: number) =>
    until(() => runs.length >= count, { ...soon, message: `${count} attempts, not ${begun()}` });
  return { lanes, runs, begun, beginning };
}

describe('lanes', () => {
  it('try the deliveries of an alert and an object one after another, others beside them', async () => {
    const { lanes, runs, begun, beginning } = setup();
    for (const sequence of [1, 2, 2, 3]) lanes.add(headOf(sequence));
    lanes.add(headOf(4, 'a', 'other'));
    assert.equal(lanes.size(), 4);
    await beginning(2);
    assert.deepEqual(begun(), [1, 4]);
    runs[0]?.end({ retryInMs: 1 });
    await beginning(3);
    assert.deepEqual(begun(), [1, 4, 1], 'the next one waits for the one that failed');
    assert.equal(runs[2]?.number, 2);
    runs[2]?.end('done');
    await beginning(4);
    assert.deepEqual(begun(), [1, 4, 1, 2]);
    assert.equal(runs[3]?.number, 1);
    await lanes.close();
  });

  it('keep the order of the stream for what is read late', async () => {
    const { lanes, runs, begun, beginning } = setup();
    for (const sequence of [1, 5, 3]) lanes.add(headOf(sequence));
    for (const count of [1, 2, 3]) {
      await beginning(count);
      runs[count - 1]?.end('done');
    }
    assert.deepEqual(begun(), [1, 3, 5]);
    await until(() => lanes.size() === 0, { ...soon, message: 'an empty lane' });
    await lanes.close();
  });

  it('leave slots for others, however many attempts of one namespace hang', async () => {
    const { lanes, begun, beginning } = setup({ slots: 4 });
    for (let sequence = 1; sequence <= 100; sequence++) {
      lanes.add(headOf(sequence, 'silent', `app${sequence}`));
    }
    await beginning(3);
    lanes.add(headOf(200, 'victim'));
    await beginning(4);
    assert.equal(begun().at(-1), 200);
    await lanes.close();
  });

  it('hold no slot while they wait for their next attempt, and wake when asked to', async () => {
    const { lanes, runs, begun, beginning } = setup({ slots: 1 });
    lanes.add(headOf(1));
    await beginning(1);
    runs[0]?.end({ retryInMs: 60_000 });
    lanes.add(headOf(2, 'b'));
    await beginning(2);
    assert.deepEqual(begun(), [1, 2]);
    runs[1]?.end('done');
    lanes.wake('b');
    lanes.wake('a');
    await beginning(3);
    assert.deepEqual(begun(), [1, 2, 1]);
    await lanes.close();
  });

  it('wait longer each time while the API server is away, and no longer for NATS than that it is back', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const begun = { 'of the API server': 0, 'of NATS': 0 };
    const lanes = createLanes({
      owns: () => true,
      available: () => Promise.resolve(),
      slots: createFairLimit(16),
      attempt({ sequence }) {
        begun[sequence === 1 ? 'of the API server' : 'of NATS'] += 1;
        return Promise.reject(sequence === 1 ? new Error('refused') : new BusUnavailable());
      },
      log,
    });
    for (const sequence of [1, 2]) lanes.add(headOf(sequence, `tenant${sequence}`));
    const counts: (typeof begun)[] = [];
    for (let second = 0; second < 8; second++) {
      await nextTurn();
      counts.push({ ...begun });
      // An alarm may ring 50 ms late.
      t.mock.timers.tick(1_060);
    }
    assert.deepEqual(
      counts.map((count) => count['of NATS']),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.deepEqual(
      counts.map((count) => count['of the API server']),
      [1, 2, 2, 3, 3, 3, 3, 4],
    );
    await lanes.close();
  });

  it('begin no attempt while there is no use in it, and all when there is', async () => {
    const back = Promise.withResolvers<void>();
    const { lanes, begun, beginning } = setup({
      available: (signal) => orAborted(back.promise, signal),
    });
    for (const sequence of [1, 2, 3]) lanes.add(headOf(sequence, `tenant${sequence}`));
    await nextTurn();
    assert.deepEqual(begun(), []);
    back.resolve();
    await beginning(3);
    await lanes.close();
  });

  it('close also while there is no use in an attempt', async () => {
    const { lanes, begun } = setup({
      available: (signal) => orAborted(new Promise(() => undefined), signal),
    });
    for (const sequence of [1, 2, 3]) lanes.add(headOf(sequence));
    await nextTurn();
    await lanes.close();
    assert.deepEqual(begun(), []);
  });

  it('begin nothing more when they close, and let what runs end in its time', async () => {
    const { lanes, runs, begun, beginning } = setup({ slots: 1 });
    for (const sequence of [1, 2]) lanes.add(headOf(sequence));
    lanes.add(headOf(3, 'b'));
    await beginning(1);
    const closing = lanes.close(60_000);
    assert.equal(runs[0]?.signal.aborted, false);
    runs[0]?.end('done');
    await closing;
    assert.deepEqual(begun(), [1]);
  });

  it('end what another replica owns now, and begin nothing twice when it comes back', async () => {
    let owned = true;
    const { lanes, runs, begun, beginning } = setup({ owns: () => owned });
    lanes.add(headOf(1));
    lanes.add(headOf(2));
    await beginning(1);
    owned = false;
    lanes.leaveOthers();
    assert.equal(runs[0]?.signal.aborted, true);
    assert.equal(lanes.size(), 0);
    lanes.add(headOf(1));
    assert.equal(lanes.size(), 0);
    owned = true;
    for (const sequence of [1, 2]) lanes.add(headOf(sequence));
    await beginning(2);
    assert.deepEqual(begun(), [1, 1]);
    await lanes.close();
  });

  it('take less than a kilobyte for a delivery that waits behind receivers that hang', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { lanes, beginning } = setup();
    collect();
    const before = process.memoryUsage().heapUsed;
    const count = 50_000;
    for (let i = 1; i <= count; i++) lanes.add(headOf(i, `tenant${i % 10}`, `app${i}`));
    await beginning(15);
    collect();
    const each = (process.memoryUsage().heapUsed - before) / count;
    assert.equal(lanes.size(), count);
    assert.ok(each < 1_000, `${each} bytes`);
    await lanes.close();
  });
});
