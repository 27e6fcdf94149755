import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { FluxEvent } from '@weir/events';
import { DeliveryError } from '../../delivery/errors.ts';
import { alertOf, eventOf, targetOf } from '../../testing/fixtures.ts';
import { keptInMemory, localIo } from '../../testing/io.ts';
import {
  colorOf,
  type SlackMessage,
  shownIn,
  startSlack,
  TOKEN,
} from '../../testing/vendors/slack.ts';
import type { Rollout } from '../rollout.ts';
import type { Target } from '../target.ts';
import { slack } from './slack.ts';

async function setup(t: TestContext, limits: { perSecond?: number } = {}) {
  const server = await startSlack(limits);
  t.after(() => server.close());
  const ioFor = localIo(keptInMemory());
  const alert = alertOf();
  let count = 0;
  const send = async (
    event: Partial<FluxEvent>,
    {
      id = `e${++count}`,
      rollout,
      ...more
    }: Partial<Target> & { id?: string; rollout?: Rollout } = {},
  ) => {
    const target = targetOf({ address: server.address, channel: '#ops', token: TOKEN, ...more });
    const whole = eventOf({}, { metadata: { revision: 'main@sha1:a' }, ...event });
    const signal = AbortSignal.timeout(10_000);
    const attempted = { alert, event: whole, order: count, id, signal };
    const io = ioFor(target, rollout === undefined ? attempted : { ...attempted, rollout });
    await slack.send(whole, target, io);
  };
  const thread = () => server.messages().filter(({ threadTs }) => threadTs !== undefined);
  const posts = () => server.messages().filter(({ threadTs }) => threadTs === undefined);
  return { server, send, thread, posts };
}

const progressing = { reason: 'Progressing', message: 'Deployment/apps/web configured' };
const finished = {
  reason: 'ReconciliationSucceeded',
  message: 'Reconciliation finished in 1s, next run in 10m',
  metadata: { revision: 'main@sha1:a', commit_status: 'update' },
};
const failed = {
  severity: 'error' as const,
  reason: 'HealthCheckFailed',
  message: 'timeout waiting for: [Deployment/apps/web]\nlast status: InProgress',
};
const only = (messages: SlackMessage[]): SlackMessage => {
  assert.equal(messages.length, 1);
  return messages[0] ?? assert.fail();
};

it('is one message a rollout, from progressing to done, with the details in its thread', async (t) => {
  const { send, posts, thread } = await setup(t);
  await send(progressing);
  assert.equal(colorOf(only(posts())), 'warning');
  assert.equal(
    shownIn(only(posts()))[0],
    '*🟡 kustomization/apps.flux-system*: Deployment/apps/web configured',
  );
  await send({ ...progressing, message: 'Health check passed in 2s' });
  await send(finished);
  const message = only(posts());
  assert.equal(colorOf(message), 'good');
  assert.equal(message.updates, 2);
  assert.match(shownIn(message)[0] ?? '', /🟢.*Reconciliation finished in 1s/);
  assert.ok(!shownIn(message).join().includes('commit_status'));
  assert.match(shownIn(only(thread())).join(), /Health check passed/);
  await send(finished);
  assert.equal(only(posts()).updates, 2, 'a run that changed nothing is no news');
});

it('shows the cause of a failure in the first line, and stays a failure until it is over', async (t) => {
  const { send, posts, thread } = await setup(t);
  await send(progressing);
  await send(failed);
  const message = only(posts());
  assert.equal(colorOf(message), 'danger');
  assert.match(shownIn(message)[0] ?? '', /🔴 .*: timeout waiting for: \[Deployment/);
  await send(progressing);
  assert.equal(colorOf(only(posts())), 'danger', 'another try is told in the thread alone');
  await send(failed);
  assert.match(shownIn(only(posts())).at(-1) ?? '', /failed 2 times/);
  assert.deepEqual(
    thread().map(({ broadcast }) => broadcast),
    [false, false, false],
  );
  await send(finished);
  assert.equal(colorOf(only(posts())), 'good');
  assert.match(shownIn(only(posts()))[0] ?? '', /: recovered: Reconciliation finished/);
});

it('begins a new message for the next revision, and after a good end', async (t) => {
  const { send, posts } = await setup(t);
  await send({ reason: 'UpgradeSucceeded', message: 'one' });
  await send({ ...failed, metadata: { revision: 'main@sha1:a' } });
  await send({ ...failed, metadata: { revision: 'main@sha1:b' } });
  assert.deepEqual(posts().map(colorOf), ['good', 'danger', 'danger']);
  await send({
    reason: 'RollbackSucceeded',
    message: 'back',
    metadata: { revision: 'main@sha1:b' },
  });
  assert.equal(posts().length, 3);
  assert.equal(colorOf(posts()[2] ?? assert.fail()), 'danger', 'a remedy is no success');
});

it('posts anew what is gone, and what another token or channel had', async (t) => {
  const { server, send, posts } = await setup(t);
  await send(progressing);
  server.remove(only(posts()).ts);
  await send(failed);
  assert.equal(colorOf(only(posts())), 'danger');
  assert.deepEqual(
    server.calls().map(({ method, error }) => `${method} ${error}`.trim()),
    ['chat.postMessage', 'chat.update message_not_found', 'chat.postMessage'],
  );
  await send(failed, { channel: 'ops' });
  assert.equal(posts().length, 2);
});

it('finishes what an attempt before began, and repeats nothing', async (t) => {
  const { server, send, posts, thread } = await setup(t);
  await send(progressing);
  server.answerNext(
    { body: '{"ok":true,"channel":"C0OPS","ts":"1700000001.000100"}' },
    { status: 503 },
  );
  await assert.rejects(send(failed, { id: 'again' }), /503/);
  await send(failed, { id: 'again' });
  await send(failed, { id: 'again' });
  assert.equal(posts().length, 1);
  assert.equal(thread().length, 1);
  assert.equal(server.calls().filter(({ method }) => method === 'chat.update').length, 1);
});

it('changes the message of a group without a word in its thread', async (t) => {
  const { send, posts, thread } = await setup(t);
  const rollout: Rollout = { key: 'group/1', id: '2026', quiet: true };
  await send(failed, { rollout });
  await send({ ...failed, message: '2 objects failed' }, { rollout });
  await send({ message: 'all have recovered' }, { rollout });
  assert.equal(colorOf(only(posts())), 'good');
  assert.equal(thread().length, 0);
});

it('waits as long as Slack wants, and asks nothing meanwhile', async (t) => {
  const { server, send } = await setup(t, { perSecond: 1 });
  await send({ message: 'one', metadata: { revision: '1' } });
  const waits: number[] = [];
  for (const revision of ['2', '3', '4']) {
    await send({ message: revision, metadata: { revision } }).catch((error: unknown) => {
      assert.ok(error instanceof DeliveryError && !error.permanent);
      waits.push(error.retryAfterMs ?? 0);
    });
  }
  assert.equal(server.calls().length, 2);
  assert.equal(waits.length, 3);
  const [first = 0, second = 0, third = 0] = waits;
  assert.ok(first <= 1_000 && second > 1_000 && third > 2_000, waits.join(', '));
});

it('takes the longest and the worst that an event can hold', async (t) => {
  const { server, send, posts, thread } = await setup(t);
  const nasty = '<!channel> <@U1> & ``` *b* ';
  const metadata = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`key${index}${nasty}`, nasty.repeat(200)]),
  );
  for (const message of [
    nasty.repeat(1_400),
    `${'&'.repeat(39_000)}`,
    `a\n${'`'.repeat(38_000)}`,
  ]) {
    await send({ ...failed, message, metadata: { revision: message.slice(0, 3), ...metadata } });
  }
  assert.ok(server.calls().every(({ error }) => error === ''));
  assert.equal(posts().length, 3);
  assert.equal(thread().length, 3);
  for (const message of server.messages()) {
    const texts = JSON.stringify(message.body).replaceAll(/<!date\^\d+\^[^|]*\|[^>]*>/g, '');
    assert.doesNotMatch(texts, /<[!@#]/);
  }
});

it('says what Slack refuses, with the word for it', async (t) => {
  const { send } = await setup(t);
  await assert.rejects(send(failed, { token: 'xoxb-other' }), /error: invalid_auth/);
  await assert.rejects(send(failed, { channel: '#gone' }), /error: channel_not_found/);
});
