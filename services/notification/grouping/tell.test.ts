// What a group says to a chat whose messages change in place, from its first failure to its end.
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Provider } from '@weir/api';
import { Provider as ProviderKind } from '@weir/api';
import { openQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { createTracing } from '@weir/telemetry';
import { createSend } from '../delivery/send.ts';
import { alertOf, eventOf, targetOf } from '../testing/fixtures.ts';
import { localIo } from '../testing/io.ts';
import { colorOf, shownIn, startSlack, TOKEN } from '../testing/vendors/slack.ts';
import { failureClass } from './class.ts';
import { createGroups } from './groups.ts';
import { parseGroup } from './record.ts';
import { createGroupShare } from './share.ts';
import { groupSubject } from './subjects.ts';
import { createTell } from './tell.ts';

const HOUR_MS = 60 * 60_000;
const alert = { namespace: 'flux-system', name: 'chat', uid: 'alert-uid' };
const provider: Provider = {
  apiVersion: ProviderKind.apiVersion,
  kind: 'Provider',
  metadata: { name: 'chat', namespace: 'flux-system' },
  spec: { type: 'slack', channel: '#ops' },
};
const failed = (name: string) =>
  eventOf({ name }, { severity: 'error', reason: 'BuildFailed', message: 'no such file' });
const CLASS = failureClass(failed('a'));

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const slack = await startSlack();
  t.after(() => slack.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const queue = openQueue({ bus, stream: 'weir-groups', log: bus.log });
  const share = createGroupShare({ cluster: 'test', share: 1_000, queue });
  const groups = createGroups({ cluster: 'test', queue, share, log: bus.log });
  const target = targetOf({ address: slack.address, channel: '#ops', token: TOKEN });
  const readTarget = async () => target;
  const failures: string[] = [];
  const tell = createTell({
    ...{ queue, groups, readTarget },
    currentAlert: async () => alertOf({ grouping: { window: '10ms', reminder: '4h' } }),
    readEvent: async () => undefined,
    providers: { get: () => provider },
    findRecovered: async () => undefined,
    send: createSend({
      readTarget,
      ioFor: localIo(),
      wholeEvents: { read: async ({ aside: _, ...event }) => event },
      applyTemplate: async ({ event }) => event,
      reports: { sent: () => undefined, metadataConflicts: () => undefined },
      tracing: createTracing({ service: 'test' }),
    }),
    deadLetters: { store: async () => undefined },
    reports: { failure: ({ why }) => void failures.push(why) },
    defaultWindowMs: 0,
  });

  const subject = groupSubject('test', alert, CLASS);
  const newest = async () => (await queue.newest(subject)) ?? assert.fail('there is no group');
  let sequence = 0;
  return {
    posts: () => slack.messages().filter(({ threadTs }) => threadTs === undefined),
    fail(name: string) {
      sequence += 1;
      return groups.failed({ alert, of: { sequence, id: `e${sequence}` }, event: failed(name) });
    },
    recover: (name: string) => groups.recovered({ alert, event: eventOf({ name }) }),
    /** Looks at the group until it has said something. */
    async say() {
      await until(
        async () => {
          const look = { number: 1, signal: AbortSignal.timeout(10_000) };
          return (await tell(await newest(), look)) === 'done';
        },
        { timeoutMs: 10_000, intervalMs: 10, message: 'something to be said' },
      );
      assert.deepEqual(failures, []);
    },
    /** As if the last message was sent so long ago. */
    async age(ms: number) {
      const head = await newest();
      const group = parseGroup(head.event?.data);
      assert.ok(group?.sent !== undefined);
      const sent = { ...group.sent, atMs: group.sent.atMs - ms };
      await groups.sent(alert, CLASS, { ...group, sent }, head.sequence);
    },
  };
}

it('is one message, from failing over more to recovered', async (t) => {
  const { fail, recover, say, posts } = await setup(t);
  await fail('one');
  await say();
  assert.deepEqual(posts().map(colorOf), ['danger']);
  await fail('two');
  await say();
  assert.equal(posts().length, 1);
  assert.match(shownIn(posts()[0] ?? assert.fail()).join(), /2 Kustomizations/);
  assert.equal(colorOf(posts()[0] ?? assert.fail()), 'danger');
  await recover('one');
  await recover('two');
  await say();
  assert.equal(posts().length, 1);
  assert.equal(colorOf(posts()[0] ?? assert.fail()), 'good');
  assert.match(shownIn(posts()[0] ?? assert.fail()).join(), /[Rr]ecovered/);
});

it('reminds by a new message, which from then on is the one that changes', async (t) => {
  const { fail, recover, say, age, posts } = await setup(t);
  await fail('one');
  await say();
  await age(5 * HOUR_MS);
  await say();
  assert.equal(posts().length, 2, 'people notice a new message only');
  const first = { ...(posts()[0] ?? assert.fail()) };
  await fail('two');
  await say();
  assert.equal(posts().length, 2);
  assert.deepEqual(posts()[0], first, 'the old message stays as it is');
  assert.match(shownIn(posts()[1] ?? assert.fail()).join(), /2 Kustomizations/);
  await recover('one');
  await recover('two');
  await say();
  assert.equal(posts().length, 2);
  assert.equal(colorOf(posts()[1] ?? assert.fail()), 'good');
  assert.deepEqual(posts()[0], first);
});
