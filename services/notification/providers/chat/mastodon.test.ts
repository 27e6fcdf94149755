// A server according to Mastodon's documentation of POST /api/v1/statuses
// (https://docs.joinmastodon.org/methods/statuses/#create).
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { type Reply, startReceiver } from '@weir/cluster';
import { DeliveryError } from '../../delivery/errors.ts';
import { alertOf, eventOf, targetOf } from '../../testing/fixtures.ts';
import { localIo } from '../../testing/io.ts';
import { mastodon } from './mastodon.ts';

const TOKEN = 'token-of-mastodon';

async function setup(t: TestContext) {
  const statuses = new Map<string, string>();
  const server = await startReceiver();
  t.after(() => server.close());
  const refuse = (status: number, error: string): Reply => ({
    status,
    body: JSON.stringify({ error }),
  });
  server.reply(({ method, path, headers, body }) => {
    if (method !== 'POST' || path !== '/api/v1/statuses') return refuse(404, 'Record not found');
    if (headers.authorization !== `Bearer ${TOKEN}`) {
      return refuse(401, 'The access token is invalid');
    }
    const { status = '' } = JSON.parse(body) as { status?: string };
    if (status === '') return refuse(422, "Validation failed: Text can't be blank");
    if (status.length > 500) return refuse(422, 'Validation failed: Text character limit of 500');
    const key = String(headers['idempotency-key'] ?? crypto.randomUUID());
    if (!statuses.has(key)) statuses.set(key, status);
    return { body: JSON.stringify({ id: '1', content: statuses.get(key) }) };
  });
  const ioFor = localIo();
  return {
    statuses: () => [...statuses.values()],
    async send(message: string, { id = 'e1', token = TOKEN } = {}) {
      const event = eventOf({}, { message, metadata: { revision: 'main@sha1:a' } });
      const target = targetOf({ address: `${server.url}/`, token });
      const signal = AbortSignal.timeout(10_000);
      await mastodon.send(
        event,
        target,
        ioFor(target, { alert: alertOf(), event, order: 1, id, signal }),
      );
    },
  };
}

it('posts a status, once however often it is tried', async (t) => {
  const { send, statuses } = await setup(t);
  await send('Deployment/apps/web configured');
  await send('Deployment/apps/web configured');
  const expected =
    '💫 kustomization/apps.flux-system\nDeployment/apps/web configured\nrevision: main@\u200bsha1:a';
  assert.deepEqual(statuses(), [expected]);
  await send('Deployment/apps/web configured', { id: 'e2' });
  assert.equal(statuses().length, 2, 'the same text about another event');
});

it('shortens what a status has no room for', async (t) => {
  const { send, statuses } = await setup(t);
  await send('too long '.repeat(5_000));
  assert.match(statuses()[0] ?? '', /^💫 kustomization\/apps\.flux-system\ntoo long/);
});

it('is refused with a wrong token, which no message quotes', async (t) => {
  const { send } = await setup(t);
  await assert.rejects(send('hello', { token: 's3cret' }), (error) => {
    assert.ok(error instanceof DeliveryError);
    assert.match(error.message, /401/);
    assert.ok(error.permanent && !error.message.includes('s3cret'));
    return true;
  });
});
