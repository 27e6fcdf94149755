import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Locale } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { DeliveryError } from '../../delivery/errors.ts';
import { alertOf, eventOf, targetOf } from '../../testing/fixtures.ts';
import { keptInMemory, localIo } from '../../testing/io.ts';
import { APP, HOOK_SECRET, shownIn, startFeishu } from '../../testing/vendors/feishu.ts';
import type { Io } from '../provider.ts';
import type { Target } from '../target.ts';
import { lark } from './lark.ts';

interface Options extends Partial<Target> {
  id?: string;
  locale?: Locale;
}

const secretOf = (data: Record<string, string>) =>
  new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value)]));
const CREDENTIALS = secretOf({ app_id: APP.id, app_secret: APP.secret });

async function setup(t: TestContext) {
  const server = await startFeishu();
  t.after(() => server.close());
  const ioFor = localIo(keptInMemory());
  const alert = alertOf();
  let count = 0;
  const send = async (
    event: Partial<FluxEvent>,
    { id = `e${++count}`, locale, ...more }: Options = {},
  ) => {
    const place = { address: server.url, channel: 'oc_chat', secret: CREDENTIALS };
    const target = targetOf({ ...place, ...more });
    target.provider.object.spec.secretRef = { name: 'lark' };
    if (locale !== undefined) target.provider.object.spec.locale = locale;
    const whole = eventOf({}, { metadata: { revision: 'main@sha1:a' }, ...event });
    const signal = AbortSignal.timeout(10_000);
    const io = ioFor(target, { alert, event: whole, order: count, id, signal });
    await lark.send(whole, target, io);
  };
  const shown = () => server.messages().map(({ card }) => shownIn(card));
  return { server, send, shown };
}

const progressing = { reason: 'Progressing', message: 'Deployment/apps/web configured' };
const failed = {
  severity: 'error' as const,
  reason: 'HealthCheckFailed',
  message: 'timeout waiting for: [Deployment/apps/web]\nlast status: InProgress',
};
const finished = {
  reason: 'ReconciliationSucceeded',
  message: 'Reconciliation finished in 1s',
  metadata: { revision: 'main@sha1:a', commit_status: 'update' },
};

it('an app has one card a rollout, which changes in place', async (t) => {
  const { server, send, shown } = await setup(t);
  await send(progressing, { locale: 'zh' });
  assert.equal(shown()[0]?.color, 'blue');
  assert.equal(shown()[0]?.title, '🟡 kustomization/apps.flux-system 进行中');
  await send(failed, { locale: 'zh' });
  const [card] = shown();
  assert.equal(card?.color, 'red');
  assert.match(card?.title ?? '', /失败: timeout waiting for: \[Deployment\/apps\/web\]$/);
  assert.ok(card?.texts.includes('版本\nmain@sha1:a'));
  await send(finished, { locale: 'zh' });
  assert.equal(shown()[0]?.color, 'green');
  assert.match(shown()[0]?.title ?? '', /已恢复$/);
  const [first, reply] = server.messages();
  assert.equal(first?.updates, 2);
  assert.equal(reply?.replyTo, first?.id, 'the end of a failure is told, as a change is not');
  assert.equal(server.messages().length, 2);
  assert.equal(server.tokens(), 1, 'a token serves for many messages');
});

it('a card says it in English unless it shall be Chinese', async (t) => {
  const { send, shown } = await setup(t);
  await send(failed);
  await send(failed, { id: 'again' });
  assert.match(shown()[0]?.title ?? '', /^🔴 kustomization\/apps\.flux-system failed: timeout/);
  assert.match(shown()[0]?.texts.at(-1) ?? '', /^failed 2 times · HealthCheckFailed/);
});

it('posts anew what was recalled, and gets a new token when the old one has ended', async (t) => {
  const { server, send, shown } = await setup(t);
  await send(progressing);
  server.recall('om_1');
  await send(failed);
  assert.deepEqual(
    shown().map(({ color }) => color),
    ['blue', 'red'],
  );
  server.endTokens();
  await send(failed);
  assert.equal(server.messages()[1]?.updates, 1);
  assert.equal(server.tokens(), 2);
});

it('posts nothing twice when an attempt is repeated', async (t) => {
  const { server, send } = await setup(t);
  // Another replica, or this one after a crash, remembers nothing of the first attempt.
  const other = localIo(keptInMemory());
  await send(failed, { id: 'e' });
  const target = targetOf({ address: server.url, channel: 'oc_chat', secret: CREDENTIALS });
  const event = eventOf({}, { metadata: { revision: 'main@sha1:a' }, ...failed });
  const signal = AbortSignal.timeout(10_000);
  await lark.send(
    event,
    target,
    other(target, { alert: alertOf(), event, order: 1, id: 'e', signal }),
  );
  assert.equal(server.messages().length, 1);
});

it('waits as long as Feishu wants', async (t) => {
  const { server, send } = await setup(t);
  server.limit(1);
  const waits: number[] = [];
  for (const id of ['a', 'b']) {
    await send(failed, { id }).catch((error: unknown) => {
      assert.ok(error instanceof DeliveryError && !error.permanent);
      waits.push(error.retryAfterMs ?? 0);
    });
  }
  assert.equal(waits[0], 2_000);
  assert.ok((waits[1] ?? 0) > 2_000);
  assert.equal(server.requests().length, 2, 'the token and one attempt');
});

it('gets a token for all that wait for it, also when the first of them gives up', async (t) => {
  const server = await startFeishu();
  t.after(() => server.close());
  const ioFor = localIo(keptInMemory());
  const target = targetOf({ address: server.url, channel: 'oc_chat', secret: CREDENTIALS });
  const event = eventOf({}, { metadata: { revision: 'main@sha1:a' }, ...failed });
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const send = (id: string, signal: AbortSignal) => {
    const io = ioFor(target, { alert: alertOf(), event, order: 1, id, signal });
    const request: Io['request'] = async (wanted, its = signal) => {
      if (wanted.url?.endsWith('/tenant_access_token/internal')) {
        asked.resolve();
        await answered.promise;
      }
      return io.request(wanted, its);
    };
    return lark.send(event, target, { ...io, request });
  };
  const hasty = new AbortController();
  const first = assert.rejects(send('a', hasty.signal));
  await asked.promise;
  const second = send('b', AbortSignal.timeout(10_000));
  hasty.abort();
  await first;
  answered.resolve();
  await second;
  assert.deepEqual([server.tokens(), server.messages().length], [1, 1]);
});

it('says what is wrong with an app', async (t) => {
  const { send } = await setup(t);
  const wrong = secretOf({ app_id: APP.id, app_secret: 'made-up-and-wrong' });
  await assert.rejects(send(failed, { secret: wrong }), (error: unknown) => {
    assert.ok(error instanceof DeliveryError && error.permanent);
    assert.match(error.message, /^Lark responded with code 10014$/);
    return true;
  });
  await assert.rejects(send(failed, { secret: secretOf({ app_id: 'x' }) }), /'app_secret'/);
  await assert.rejects(send(failed, { channel: '' }), /spec\.channel is missing/);
  await assert.rejects(send(failed, { channel: 'oc_other' }), /code 230001/);
});

it('signs what goes to a custom bot that wants it', async (t) => {
  const { server, send } = await setup(t);
  const secret = secretOf({ secret: `${HOOK_SECRET}\n` });
  await send(failed, { address: server.hook, secret });
  await send(failed, { address: server.hook, secret, locale: 'zh' });
  await assert.rejects(send(failed, { address: server.hook, secret: new Map() }), /code 19021/);
  await send(finished, { address: server.hook, secret });
  assert.equal(server.requests().length, 3, 'a run that changed nothing is no news');
  await assert.rejects(send(failed, { address: '', secret: new Map() }), /no address/);
});

it('takes the longest and the worst that an event can hold', async (t) => {
  const { server, send } = await setup(t);
  const nasty = '<at id=all></at> **b** [x](http://e.example) 日本語 ';
  const metadata = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`${nasty}${index}`, nasty.repeat(100)]),
  );
  const message = `${'日'.repeat(3_000)}\n${nasty.repeat(800)}`;
  await send({ ...failed, message, metadata: { revision: 'a', ...metadata } });
  const [{ card } = assert.fail()] = server.messages();
  assert.ok(Buffer.byteLength(JSON.stringify(card)) < 30 * 1024);
  assert.ok(!JSON.stringify(card).includes('lark_md'), 'nothing of it is markup');
});
