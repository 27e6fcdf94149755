import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { whileOwned } from './while-owned.ts';

/** The owner of the only key; `pass` hands the key over. */
function ownership() {
  const callbacks = new Set<() => void>();
  let owned = false;
  return {
    owns: () => owned,
    onChange(callback: () => void) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    pass(to: boolean) {
      owned = to;
      for (const callback of [...callbacks]) callback();
    },
    listeners: () => callbacks.size,
  };
}

it('runs while the key is owned, as often as that begins, until it is stopped', async () => {
  const membership = ownership();
  const stop = new AbortController();
  const happened: string[] = [];
  const ended = whileOwned(membership, 'key', stop.signal, async (signal) => {
    happened.push('begun');
    if (!signal.aborted) await once(signal, 'abort');
    happened.push('ended');
  });
  await turn();
  assert.deepEqual(happened, []);
  for (const owned of [true, false, true]) {
    membership.pass(owned);
    await turn();
  }
  assert.deepEqual(happened, ['begun', 'ended', 'begun']);
  stop.abort();
  await ended;
  assert.deepEqual(happened, ['begun', 'ended', 'begun', 'ended']);
  assert.equal(membership.listeners(), 0);
});

it('ends without the key, too', async () => {
  const membership = ownership();
  const stop = new AbortController();
  const ended = whileOwned(membership, 'key', stop.signal, async () => assert.fail('not ours'));
  stop.abort();
  await ended;
  assert.equal(membership.listeners(), 0);
});
