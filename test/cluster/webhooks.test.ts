import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startReceiver } from './webhooks.ts';

test('records requests and sends the configured answers', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const send = (path: string) =>
    fetch(`${receiver.url}${path}`, { method: 'POST', body: '{"a":1}', headers: { 'x-id': '7' } });

  const first = await send('/hook?x=1');
  assert.deepEqual([first.status, await first.text()], [200, 'ok']);
  const [request] = receiver.requests();
  assert.equal(request?.method, 'POST');
  assert.equal(request?.path, '/hook?x=1');
  assert.equal(request?.headers['x-id'], '7');
  assert.equal(request?.body, '{"a":1}');

  receiver.reply({ status: 429, headers: { 'retry-after': '2' }, body: 'slow down', delayMs: 50 });
  const started = performance.now();
  const second = await send('/');
  assert.ok(performance.now() - started >= 45);
  assert.deepEqual([second.status, second.headers.get('retry-after')], [429, '2']);

  receiver.reply(({ path }) => (path === '/drop' ? { drop: true } : {}));
  await assert.rejects(send('/drop'));
  assert.equal((await send('/other')).status, 200);
  assert.equal(receiver.requests().length, 4);
  receiver.clear();
  assert.equal(receiver.requests().length, 0);
});
