// The messages of a group in a chat whose messages change in place, from its first failure to its end.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Provider } from '@weir/api';
import { Provider as ProviderKind } from '@weir/api';
import { openQueue } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { createTracing } from '@weir/telemetry';
import { createSend } from '../delivery/send.ts';
import type { Target } from '../providers/target.ts';
import { alertOf, eventOf, targetOf } from '../testing/fixtures.ts';
import { localIo } from '../testing/io.ts';
import * as feishu from '../testing/vendors/feishu.ts';
import * as slack from '../testing/vendors/slack.ts';
import { failureClass } from './class.ts';
import { createGroups } from './groups.ts';
import { parseGroup } from './record.ts';
import { createSendDue } from './send-due.ts';
import { createGroupShare } from './share.ts';
import { groupSubject } from './subjects.ts';

const HOUR_MS = 60 * 60_000;
const alert = { namespace: 'flux-system', name: 'chat', uid: 'alert-uid' };
const FEISHU_SECRET = new Map(
  Object.entries({ app_id: feishu.APP.id, app_secret: feishu.APP.secret }).map(([key, value]) => [
    key,
    Buffer.from(value),
  ]),
);
const failed = (name: string) =>
  eventOf({ name }, { severity: 'error', reason: 'BuildFailed', message: 'no such file' });
const CLASS = failureClass(failed('a'));

/** A message in the chat itself, not in the thread of another message. */
interface Post {
  /** `failed`, `recovered`, or another colour. */
  state: string;
  text: string;
}

interface Chat {
  spec: Provider['spec'];
  target: Partial<Target>;
  posts(): Post[];
}

/** The chats whose messages change in place, each as its vendor documents it. */
const CHATS: Record<string, (t: TestContext) => Promise<Chat>> = {
  async 'a bot in Slack'(t) {
    const server = await slack.startSlack();
    t.after(() => server.close());
    const posts = server.messages;
    return {
      spec: { type: 'slack', channel: '#ops' },
      target: { address: server.address, channel: '#ops', token: slack.TOKEN },
      posts: () =>
        posts()
          .filter(({ threadTs }) => threadTs === undefined)
          .map((message) => {
            const states = new Map([
              ['danger', 'failed'],
              ['good', 'recovered'],
            ]);
            const color = String(slack.colorOf(message));
            return { state: states.get(color) ?? color, text: slack.shownIn(message).join() };
          }),
    };
  },
  async 'an app in Feishu'(t) {
    const server = await feishu.startFeishu();
    t.after(() => server.close());
    return {
      spec: { type: 'lark', channel: 'oc_chat', secretRef: { name: 'lark' } },
      target: { address: server.url, channel: 'oc_chat', secret: FEISHU_SECRET },
      posts: () =>
        server
          .messages()
          .filter(({ replyTo }) => replyTo === undefined)
          .map(({ card }) => {
            const { color, title, texts } = feishu.shownIn(card);
            const states = new Map([
              ['red', 'failed'],
              ['green', 'recovered'],
            ]);
            return { state: states.get(color) ?? color, text: [title, ...texts].join() };
          }),
    };
  },
};

async function setup(t: TestContext, open: (t: TestContext) => Promise<Chat>) {
  const nats = await startNats();
  t.after(() => nats.close());
  const chat = await open(t);
  const provider: Provider = {
    apiVersion: ProviderKind.apiVersion,
    kind: 'Provider',
    metadata: { name: 'chat', namespace: 'flux-system' },
    spec: chat.spec,
  };
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const queue = openQueue({ bus, stream: 'weir-groups', log: bus.log });
  const share = createGroupShare({ cluster: 'test', share: 1_000, queue });
  const groups = createGroups({ cluster: 'test', queue, share, log: bus.log });
  const target = targetOf(chat.target);
  Object.assign(target.provider.object.spec, chat.spec);
  const readTarget = async () => target;
  const failures: string[] = [];
  const sendDue = createSendDue({
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
    posts: chat.posts,
    fail(name: string) {
      sequence += 1;
      return groups.failed({ alert, of: { sequence, id: `e${sequence}` }, event: failed(name) });
    },
    recover: (name: string) => groups.recovered({ alert, event: eventOf({ name }) }),
    /** Looks at the group until it has said something. */
    async say() {
      await until(
        async () => {
          const attempt = { number: 1, signal: AbortSignal.timeout(10_000) };
          return (await sendDue(await newest(), attempt)) === 'done';
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

for (const [name, open] of Object.entries(CHATS)) {
  describe(`a group told by ${name}`, () => {
    it('is one message, from failing over more to recovered', async (t) => {
      const { fail, recover, say, posts } = await setup(t, open);
      await fail('one');
      await say();
      assert.deepEqual(states(posts()), ['failed']);
      await fail('two');
      await say();
      assert.deepEqual(states(posts()), ['failed']);
      assert.match(posts()[0]?.text ?? '', /2 Kustomizations/);
      await recover('one');
      await recover('two');
      await say();
      assert.deepEqual(states(posts()), ['recovered']);
      assert.match(posts()[0]?.text ?? '', /[Rr]ecovered/);
    });

    it('reminds by a new message, which from then on is the one that changes', async (t) => {
      const { fail, recover, say, age, posts } = await setup(t, open);
      await fail('one');
      await say();
      await age(5 * HOUR_MS);
      await say();
      assert.equal(posts().length, 2, 'people notice a new message only');
      const [first] = posts();
      await fail('two');
      await say();
      assert.deepEqual(states(posts()), ['failed', 'failed']);
      assert.deepEqual(posts()[0], first, 'the old message stays as it is');
      assert.match(posts()[1]?.text ?? '', /2 Kustomizations/);
      await recover('one');
      await recover('two');
      await say();
      assert.deepEqual(states(posts()), ['failed', 'recovered']);
      assert.deepEqual(posts()[0], first);
    });
  });
}

function states(posts: readonly Post[]): string[] {
  return posts.map(({ state }) => state);
}
