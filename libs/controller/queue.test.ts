import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs, createQueue, type Queue, type Turn } from './queue.ts';
import type { Outcome } from './reconcile.ts';
import { createFakeClock } from './testing/clock.ts';

const retry = { minMs: 1_000, maxMs: 8_000 };

/** A queue whose runs end when the test ends them. */
function harness({ concurrency = 2 } = {}) {
  const clock = createFakeClock();
  const started: string[] = [];
  const turns = new Map<string, { turn: Turn; end: (outcome: Outcome) => void }>();
  const seen: Turn[] = [];
  let atOnce = 0;
  let most = 0;
  const queue: Queue = createQueue({
    concurrency,
    retry,
    clock,
    run: async (turn) => {
      assert.ok(!turns.has(turn.key), `${turn.key} runs twice at once`);
      started.push(turn.key);
      seen.push(turn);
      atOnce += 1;
      most = Math.max(most, atOnce);
      const ended = Promise.withResolvers<Outcome>();
      turns.set(turn.key, { turn, end: ended.resolve });
      try {
        return await ended.promise;
      } finally {
        atOnce -= 1;
        turns.delete(turn.key);
      }
    },
  });
  return {
    clock,
    queue,
    started,
    seen,
    running: () => [...turns.keys()],
    most: () => most,
    turn: (key: string) => {
      const found = turns.get(key)?.turn;
      assert.ok(found, `${key} does not run`);
      return found;
    },
    async end(key: string, outcome: Outcome = {}) {
      const running = turns.get(key);
      assert.ok(running, `${key} does not run`);
      running.end(outcome);
      await clock.settle();
    },
  };
}

test('a key that is added twice at once runs once, also where a worker is free', async () => {
  const { queue, clock, seen, end } = harness();
  for (const cause of ['ready', 'artifact']) queue.add('a/x', { cause });
  await clock.settle();
  await end('a/x');
  assert.equal(seen.map(({ causes }) => [...causes].join()).join('; '), 'ready,artifact');
});

test('a key that is added many times while it stands in line runs once, with all causes', async () => {
  const { queue, clock, started, seen, end } = harness({ concurrency: 1 });
  queue.add('a/busy', { cause: 'added' });
  await clock.settle();
  queue.add('a/one', { cause: 'spec', traceparent: 'first' });
  queue.add('a/one', { cause: 'requested', traceparent: 'second' });
  queue.add('a/one', { cause: 'spec', traceparent: 'first' });
  await end('a/busy');
  await end('a/one');
  assert.deepEqual(started, ['a/busy', 'a/one']);
  assert.deepEqual([...(seen[1]?.causes ?? [])], ['spec', 'requested']);
  assert.equal(seen[1]?.traceparent, 'first');
  assert.deepEqual(seen[1]?.links, ['second']);
});

test('a key that is added while it runs runs again afterwards, once', async () => {
  const { queue, clock, started, end, running } = harness();
  queue.add('a/one', { cause: 'added' });
  await clock.settle();
  queue.add('a/one', { cause: 'spec' });
  queue.add('a/one', { cause: 'spec' });
  await clock.settle();
  assert.deepEqual(started, ['a/one']);
  await end('a/one');
  assert.deepEqual(running(), ['a/one']);
  await end('a/one');
  await clock.advance(3_600_000);
  assert.deepEqual(started, ['a/one', 'a/one']);
});

test('an interval brings it back, and an earlier turn starts the interval anew', async () => {
  const { queue, clock, started, end } = harness();
  queue.add('a/one', { cause: 'added' });
  await clock.settle();
  await end('a/one', { requeueAfterMs: 60_000 });
  await clock.advance(40_000);
  queue.add('a/one', { cause: 'requested' });
  await clock.settle();
  await end('a/one', { requeueAfterMs: 60_000 });
  await clock.advance(59_000);
  assert.equal(started.length, 2);
  await clock.advance(1_001);
  assert.equal(started.length, 3);
});

test('what a caller asked for later happens even when the key runs before', async () => {
  const { queue, clock, started, seen, end } = harness();
  queue.add('a/one', { cause: 'drift', delayMs: 5_000 });
  queue.add('a/one', { cause: 'drift', delayMs: 9_000 });
  queue.add('a/one', { cause: 'spec' });
  await clock.settle();
  await end('a/one');
  assert.equal(started.length, 1);
  await clock.advance(5_001);
  assert.equal(started.length, 2);
  assert.deepEqual([...(seen[1]?.causes ?? [])], ['drift']);
  await end('a/one');
  await clock.advance(60_000);
  assert.equal(started.length, 2);
});

test('failures come back later each time, up to the limit, and success forgives them', async () => {
  const { queue, clock, seen, end } = harness();
  queue.add('a/one', { cause: 'added' });
  await clock.settle();
  for (const delay of [1_000, 2_000, 4_000, 8_000, 8_000]) {
    const before = seen.length;
    await end('a/one', { retry: new Error('no') });
    await clock.advance(delay - 1);
    assert.equal(seen.length, before, `too early after ${before} failures`);
    await clock.advance(2);
    assert.equal(seen.length, before + 1);
  }
  assert.deepEqual(
    seen.map(({ attempt }) => attempt),
    [1, 2, 3, 4, 5, 6],
  );
  await end('a/one');
  queue.add('a/one', { cause: 'spec' });
  await clock.settle();
  assert.equal(seen.at(-1)?.attempt, 1);
});

test('a thrown error counts as a failure', async () => {
  const clock = createFakeClock();
  const attempts: number[] = [];
  const queue = createQueue({
    concurrency: 1,
    retry,
    clock,
    run: async ({ attempt }) => {
      attempts.push(attempt);
      throw new Error('no');
    },
  });
  queue.add('a/one', { cause: 'added' });
  await clock.settle();
  await clock.advance(1_000);
  assert.deepEqual(attempts, [1, 2]);
});

test('a change of the object forgives its failures', async () => {
  const { queue, clock, seen, end } = harness();
  queue.add('a/one', { cause: 'added' });
  await clock.settle();
  await end('a/one', { retry: new Error('no') });
  queue.forgive('a/one');
  queue.add('a/one', { cause: 'spec' });
  await clock.settle();
  assert.equal(seen.at(-1)?.attempt, 1);
});

test('one tenant with a thousand objects delays another by no more than what runs', async () => {
  const { queue, clock, started, end, running } = harness({ concurrency: 2 });
  for (let n = 0; n < 1_000; n += 1) queue.add(`big/${n}`, { cause: 'added' });
  queue.add('small/one', { cause: 'added' });
  queue.add('small/two', { cause: 'added' });
  await clock.settle();
  assert.deepEqual(running(), ['big/0', 'big/1']);
  await end('big/0');
  assert.deepEqual(started.slice(2), ['small/one']);
  await end('big/1');
  // From here on each of the two tenants has one worker.
  assert.deepEqual(running(), ['small/one', 'big/2']);
  await end('small/one');
  assert.deepEqual(running(), ['big/2', 'small/two']);
});

test('tenants that all have work take turns', async () => {
  const { queue, clock, started, end, running } = harness({ concurrency: 1 });
  for (const tenant of ['a', 'b', 'c']) {
    for (let n = 0; n < 5; n += 1) queue.add(`${tenant}/${n}`, { cause: 'added' });
  }
  await clock.settle();
  for (let n = 0; n < 14; n += 1) await end(running()[0] ?? '');
  const counts = new Map<string, number>();
  for (const key of started) {
    const tenant = key[0] ?? '';
    counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
    // The first tenant is ahead by one run, because it started before the others had anything in line.
    const values = ['a', 'b', 'c'].map((one) => counts.get(one) ?? 0);
    assert.ok(Math.max(...values) - Math.min(...values) <= 2, started.join(' '));
  }
});

test('a run that waits lends its worker, and goes on only when there is one again', async () => {
  const { queue, clock, running, turn, end } = harness({ concurrency: 1 });
  const health = Promise.withResolvers<string>();
  queue.add('a/slow', { cause: 'added' });
  queue.add('a/next', { cause: 'added' });
  await clock.settle();
  let result = '';
  const waited = turn('a/slow')
    .waiting(() => health.promise)
    .then((value) => {
      result = value;
    });
  await clock.settle();
  assert.deepEqual(running(), ['a/slow', 'a/next']);
  assert.deepEqual(queue.stats(), { ready: 0, running: 2, waiting: 1 });
  health.resolve('healthy');
  await clock.settle();
  assert.equal(result, '', 'it went on without a worker');
  await end('a/next');
  await waited;
  assert.equal(result, 'healthy');
  assert.deepEqual(queue.stats(), { ready: 0, running: 1, waiting: 0 });
  await end('a/slow');
  assert.deepEqual(queue.stats(), { ready: 0, running: 0, waiting: 0 });
});

test('a run that ends without awaiting its wait costs no worker', async () => {
  const { queue, clock, turn, end, running } = harness({ concurrency: 1 });
  const never = Promise.withResolvers<void>();
  queue.add('a/one', { cause: 'added' });
  await clock.settle();
  const abandoned = turn('a/one').waiting(() => never.promise);
  await end('a/one');
  never.resolve();
  await abandoned;
  queue.add('a/two', { cause: 'added' });
  queue.add('a/three', { cause: 'added' });
  await clock.settle();
  assert.deepEqual(running(), ['a/two']);
});

test('a removed key is forgotten, and how its run ends no longer matters', async () => {
  const { queue, clock, started, end } = harness({ concurrency: 1 });
  queue.add('a/running', { cause: 'added' });
  queue.add('a/ready', { cause: 'added' });
  queue.add('a/later', { cause: 'added', delayMs: 5_000 });
  await clock.settle();
  for (const key of ['a/running', 'a/ready', 'a/later']) queue.remove(key);
  await end('a/running', { retry: new Error('too late') });
  await clock.advance(60_000);
  assert.deepEqual(started, ['a/running']);
});

test('a key that was removed and added while it ran runs again, and not before', async () => {
  const { queue, clock, seen, end } = harness();
  queue.add('a/one', { cause: 'added' });
  await clock.settle();
  queue.remove('a/one');
  queue.add('a/one', { cause: 'gained' });
  await clock.settle();
  assert.equal(seen.length, 1);
  await end('a/one', { retry: new Error('of the old one') });
  assert.equal(seen.length, 2);
  assert.equal(seen[1]?.attempt, 1);
});

test('close starts nothing more and resolves when the last run has ended', async () => {
  const { queue, clock, started, end } = harness({ concurrency: 1 });
  queue.add('a/one', { cause: 'added' });
  queue.add('a/two', { cause: 'added' });
  await clock.settle();
  let closed = false;
  const closing = queue.close().then(() => {
    closed = true;
  });
  queue.add('a/three', { cause: 'added' });
  await clock.settle();
  assert.equal(closed, false);
  await end('a/one', { requeueAfterMs: 1 });
  await closing;
  await clock.advance(60_000);
  assert.deepEqual(started, ['a/one']);
});

test('idle resolves at once when there is nothing to do, and after the last run otherwise', async () => {
  const { queue, clock, end } = harness();
  await queue.idle();
  queue.add('a/later', { cause: 'added', delayMs: 1_000 });
  await queue.idle();
  queue.add('a/one', { cause: 'added' });
  let idle = false;
  const waited = queue.idle().then(() => {
    idle = true;
  });
  await clock.settle();
  assert.equal(idle, false);
  await end('a/one');
  await waited;
});

test('a run inherits no async context from the code that enqueued it or from the run before it', async () => {
  const context = new AsyncLocalStorage<string>();
  const clock = createFakeClock();
  const found: (string | undefined)[] = [];
  const queue = createQueue({
    concurrency: 1,
    retry,
    clock,
    run: async () => {
      found.push(context.getStore());
      return context.run('inside a turn', async () => ({}));
    },
  });
  context.run('caller', () => {
    queue.add('a/one', { cause: 'added' });
    queue.add('a/two', { cause: 'added' });
  });
  await queue.idle();
  assert.deepEqual(found, [undefined, undefined]);
});

test('the backoff stays within its bounds for any number of failures', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), (failures) => {
      const ms = backoffMs(failures, retry);
      assert.ok(ms >= retry.minMs && ms <= retry.maxMs);
      assert.ok(backoffMs(failures + 1, retry) >= ms);
    }),
  );
});

type Step =
  | { do: 'add'; key: string; delayMs: number }
  | { do: 'end'; nth: number; fails: boolean }
  | { do: 'wait'; nth: number }
  | { do: 'remove'; key: string }
  | { do: 'advance'; ms: number };

const keys = fc.constantFrom('a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'c/1');
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key: keys, delayMs: fc.constantFrom(0, 0, 0, 500) }),
  fc.record({ do: fc.constant('end' as const), nth: fc.nat(5), fails: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const), nth: fc.nat(5) }),
  fc.record({ do: fc.constant('remove' as const), key: keys }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.nat(3_000) }),
);

test('whatever happens in whatever order: never twice at once, never over the limit, nothing lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      async (script, concurrency) => {
        const { queue, clock, running, turn, end, started } = harness({ concurrency });
        const wanted = new Set<string>();
        for (const step of script) {
          const key = running()[('nth' in step && step.nth) || 0];
          if (step.do === 'add') {
            queue.add(step.key, { cause: 'test', delayMs: step.delayMs });
            wanted.add(step.key);
          } else if (step.do === 'remove') {
            queue.remove(step.key);
            wanted.delete(step.key);
          } else if (step.do === 'advance') {
            await clock.advance(step.ms);
          } else if (key !== undefined && step.do === 'end') {
            await end(key, step.fails ? { retry: new Error('no') } : {});
          } else if (key !== undefined) {
            void turn(key).waiting(async () => undefined);
          }
          await clock.settle();
          const { running: all, waiting } = queue.stats();
          assert.ok(all - waiting <= concurrency);
        }
        for (const key of wanted) assert.ok(await runsInTheEnd(key), `${key} was lost`);

        async function runsInTheEnd(key: string) {
          for (let n = 0; n < 40 && !started.includes(key); n += 1) {
            await clock.advance(500);
            for (const one of running()) await end(one);
          }
          return started.includes(key);
        }
      },
    ),
    { numRuns: 200 },
  );
});
