import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNats, testBus } from '@weir/bus/testing';
import { grammar } from './catalogue.ts';
import { UsageError } from './command-line.ts';
import { listDeliveries } from './deliveries.ts';

test('what deliveries takes is said before anything is asked', async () => {
  const known = await grammar();
  const { signal } = new AbortController();
  for (const [args, message] of [
    [['source'], /deliveries takes flags only, and not source/],
    [['--alert=chat'], /wants --namespace too/],
    [['--nope'], /unknown flag --nope/],
    [['--namespace'], /--namespace needs a value/],
  ] as const) {
    await assert.rejects(listDeliveries({ args, grammar: known, signal, env: {} }), (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

test('deliveries are listed from NATS alone', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  await (await testBus(t, nats.url)).ready;
  const { signal } = new AbortController();
  const args = [`--nats-url=${nats.url}`, '--namespace=apps', '--alert=chat', '--replay'];
  const text = await listDeliveries({ args, grammar: await grammar(), signal, env: {} });
  assert.match(text, /^0 dead letters are sent again\.\n\nNothing was delivered/);
});
