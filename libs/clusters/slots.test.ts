import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSlots, type Working } from './slots.ts';

function context(signal = new AbortController().signal): Working {
  return { signal, waiting: (wait) => wait(), elsewhere: (work) => work() };
}

test('a cluster has so many slots, and one that waits leaves its own to others', async () => {
  // Of four slots one tenant alone gets three.
  const slots = createSlots(4);
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  let running = 0;
  const runs = gates.map((gate, i) =>
    slots.use('a', context(), async (ctx) => {
      running++;
      if (i === 0) await ctx.waiting(() => gate.promise);
      else await gate.promise;
    }),
  );
  await new Promise(setImmediate);
  assert.equal(running, 4, 'the first one waits, so that the fourth has a slot');
  for (const gate of gates) gate.resolve();
  await Promise.all(runs);
});

test('a run that is stopped in line, or in a wait, ends', async () => {
  const slots = createSlots(1);
  const hold = Promise.withResolvers<void>();
  const first = slots.use('a', context(), () => hold.promise);
  const stop = new AbortController();
  const second = slots.use('b', context(stop.signal), async () => assert.fail('it has no slot'));
  stop.abort(new Error('stopped'));
  await assert.rejects(second, /stopped/);
  hold.resolve();
  await first;
});
