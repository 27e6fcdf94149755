import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Kustomization } from '@weir/api';
import { until } from '@weir/cluster';
import { Event, Secret } from '@weir/kube';
import {
  DEADLINE,
  type Harness,
  NAMESPACE,
  type Replica,
  startHarness,
} from './testing/harness.ts';

describe('notification', () => {
  let on: Harness;
  let replica: Replica;
  before(async () => {
    on = await startHarness();
    replica = await on.start();
  });
  after(() => on?.close());
  beforeEach(() => on.reset());

  /** Publishes an event once the service knows the existing alerts and providers. */
  async function publish(name: string, message: string, metadata?: Record<string, string>) {
    await on.known(replica);
    on.publish(name, message, metadata === undefined ? {} : { metadata });
  }
  const received = (path: string) => on.chat.requests().filter((request) => request.path === path);

  it('sends an event to every alert that wants it, in the format of its provider', async () => {
    await on.provider('slack', { type: 'slack', channel: 'ops', address: `${on.chat.url}/slack` });
    await on.provider('hook', { type: 'generic', address: `${on.chat.url}/hook` });
    await on.alert('slack', { eventMetadata: { env: 'prod' } });
    await on.alert('hook', { exclusionList: ['noise'] });
    await publish('apps', 'some noise');
    await on.arrived('/slack');
    await publish('apps', 'Deployment/apps/web configured');
    const [slack] = (await on.arrived('/slack', 2)).slice(1);
    const [attachment] = JSON.parse(slack?.body ?? '').attachments;
    assert.equal(attachment.text, 'Deployment/apps/web configured');
    assert.deepEqual(attachment.fields, [
      { title: 'env', value: 'prod', short: false },
      { title: 'revision', value: 'r1', short: false },
    ]);
    const hooks = await on.arrived('/hook');
    assert.equal(hooks.length, 1, 'the noise was left out');
    const event = JSON.parse(hooks[0]?.body ?? '');
    assert.equal(event.involvedObject.name, 'apps');
    assert.deepEqual(event.metadata, { revision: 'r1' });
    assert.equal(hooks[0]?.headers['gotk-component'], 'kustomize-controller');
  });

  it('takes address, token and headers from the secret', async () => {
    await on.apply(Secret, 'hook', {
      stringData: { address: `${on.chat.url}/from-secret`, token: 't0ken', headers: 'X-Team: a\n' },
    });
    await on.provider('hook', { type: 'generic', secretRef: { name: 'hook' } });
    await on.provider('bot', { type: 'slack', channel: 'ops', secretRef: { name: 'hook' } });
    await on.alert('hook');
    await on.alert('bot');
    await publish('apps', 'hello');
    const both = await on.arrived('/from-secret', 2);
    assert.ok(both.some(({ headers }) => headers['x-team'] === 'a'));
    assert.ok(both.some(({ headers }) => headers.authorization === 'Bearer t0ken'));
  });

  it('tries again what failed, and only that', async () => {
    await on.provider('good', { type: 'generic', address: `${on.chat.url}/good` });
    await on.provider('flaky', { type: 'generic', address: `${on.chat.url}/flaky` });
    await on.alert('good');
    await on.alert('flaky');
    let failures = 2;
    on.chat.reply(({ path }) => (path === '/flaky' && failures-- > 0 ? { status: 503 } : {}));
    await publish('apps', 'hello');
    await on.arrived('/flaky', 3);
    assert.equal(received('/good').length, 1);
    const reported = await on.warning('Alert', 'flaky', 'NotificationDispatchFailed');
    assert.match(
      String(reported.message),
      /Kustomization\/default\/apps: .*status code 503.*trying again/,
    );
  });

  it('finds a refusal of Feishu behind its status 200', async () => {
    await on.provider('feishu', { type: 'lark', address: `${on.chat.url}/feishu` });
    await on.alert('feishu');
    on.chat.reply({ body: '{"code":19001,"msg":"param invalid"}' });
    await publish('apps', 'hello');
    const reported = await on.warning('Alert', 'feishu', 'NotificationDispatchFailed');
    assert.match(String(reported.message), /code 19001;/);
    on.chat.reply({ body: '{"code":0,"msg":"success"}' });
    await on.arrived('/feishu', 2);
  });

  it('says what is wrong with a provider', async () => {
    await on.alert('nobody');
    await publish('apps', 'hello');
    const missing = await on.warning('Alert', 'nobody', 'NotificationDispatchFailed');
    assert.match(String(missing.message), /provider 'default\/nobody' not found/);

    const identity = { type: 'azuredevops', serviceAccountName: 'me' };
    await on.provider('cloud', { ...identity, address: `${on.chat.url}/o/p/_git/r` });
    await on.alert('cloud');
    await publish('apps', 'hello');
    const gate = await on.warning('Alert', 'cloud', 'NotificationDispatchFailed');
    assert.match(String(gate.message), /enable the ObjectLevelWorkloadIdentity feature gate/);

    await on.provider('secretless', { type: 'slack', secretRef: { name: 'gone' } });
    await on.alert('secretless');
    await publish('apps', 'hello');
    const secret = await on.warning('Alert', 'secretless', 'NotificationDispatchFailed');
    assert.match(String(secret.message), /secret 'default\/gone' not found/);
  });

  it('sends what a wrong Secret kept waiting once that is mended', async () => {
    on.chat.reply(({ path }) => (path === '/mended' ? {} : { status: 404 }));
    await on.apply(Secret, 'mended', { stringData: { address: `${on.chat.url}/wrong` } });
    await on.provider('mended', { type: 'generic', secretRef: { name: 'mended' } });
    await on.alert('mended');
    await publish('apps', 'hello');
    await on.arrived('/wrong');
    const mended = { stringData: { address: `${on.chat.url}/mended` } };
    const ref = { namespace: NAMESPACE, name: 'mended' };
    await on.client.patch(Secret, ref, mended, { kind: 'merge' });
    await on.arrived('/mended');
    on.chat.reply({});
  });

  it('says in Events of the alert and in metrics what became of its messages', async () => {
    const counted = async (result: string) => {
      const of = `namespace="${NAMESPACE}",alert="told",provider="told",result="${result}"`;
      const text = await replica.metrics.expose();
      return Number(text.split(`weir_alert_notifications_total{${of}} `)[1]?.split('\n')[0] ?? 0);
    };
    const dispatched = async (wanted: RegExp) =>
      until(
        async () => {
          const { items } = await on.client.list(Event, { namespace: NAMESPACE });
          return items.some(
            ({ involvedObject, reason, message }) =>
              (involvedObject as { name: string }).name === 'told' &&
              reason === 'NotificationDispatched' &&
              wanted.test(String(message)),
          );
        },
        { ...DEADLINE, message: `an Event that matches ${wanted}` },
      );
    await on.provider('told', { type: 'generic', address: `${on.chat.url}/told` });
    await on.alert('told');
    await publish('apps', 'one');
    await dispatched(/^notifications arrive at provider 'told', the first one for Kustomization/);
    assert.deepEqual([await counted('sent'), await counted('failed')], [1, 0]);
    let failures = 1;
    on.chat.reply(() => (failures-- > 0 ? { status: 503 } : {}));
    await publish('apps', 'two');
    const failed = await on.warning('Alert', 'told', 'NotificationDispatchFailed');
    assert.match(String(failed.message), /status code 503.*; trying again$/);
    await dispatched(/^notifications arrive again at provider 'told'/);
    assert.deepEqual([await counted('sent'), await counted('failed')], [2, 1]);
  });

  it('says in an Event of the alert that a message became a dead letter', async () => {
    const letters = async () =>
      /weir_dead_letters_total\{cause="retries"\} (\d+)/.exec(await replica.metrics.expose())?.[1];
    const before = Number((await letters()) ?? 0);
    await on.apply(Secret, 'token', { stringData: { token: 't0ken' } });
    const address = `${on.chat.url}/o/r`;
    await on.provider('dead', {
      type: 'giteapullrequestcomment',
      address,
      secretRef: { name: 'token' },
    });
    await on.alert('dead');
    await publish('apps', 'for no pull request', { change_request: 'none' });
    const failed = await on.warning('Alert', 'dead', 'NotificationDispatchFailed');
    assert.match(String(failed.message), /metadata value "none": it must be a number; given up$/);
    assert.equal(Number(await letters()), before + 1);
  });

  it('is silent while the alert or its provider is suspended', async () => {
    await on.provider('quiet', { type: 'generic', address: `${on.chat.url}/quiet`, suspend: true });
    await on.alert('quiet');
    await on.provider('suspended', { type: 'generic', address: `${on.chat.url}/suspended` });
    await on.alert('suspended', { suspend: true });
    await on.provider('witness', { type: 'generic', address: `${on.chat.url}/witness` });
    await on.alert('witness');
    await publish('apps', 'hello');
    await on.arrived('/witness');
    assert.equal(received('/quiet').length + received('/suspended').length, 0);
  });

  it('sends a run that changed nothing only to those who set commit statuses', async () => {
    await on.provider('chat', { type: 'slack', address: `${on.chat.url}/chat` });
    await on.alert('chat');
    await on.provider('hook', { type: 'generic', address: `${on.chat.url}/hook` });
    await on.alert('hook');
    await publish('apps', 'Reconciliation finished in 1s', { commit_status: 'update' });
    await on.arrived('/hook');
    await publish('apps', 'Deployment/apps/web configured');
    const [first] = await on.arrived('/chat');
    assert.match(first?.body ?? '', /configured/);
  });

  it('selects by the labels of the object', async () => {
    await on.apply(Kustomization, 'labelled', {
      spec: { interval: '1h', prune: true, sourceRef: { kind: 'GitRepository', name: 'x' } },
    });
    const labels = { metadata: { labels: { team: 'a' } } };
    await on.client.patch(Kustomization, { namespace: NAMESPACE, name: 'labelled' }, labels, {
      kind: 'merge',
    });
    await on.provider('hook', { type: 'generic', address: `${on.chat.url}/hook` });
    await on.alert('hook', {
      eventSources: [{ kind: 'Kustomization', name: '*', matchLabels: { team: 'a' } }],
    });
    await publish('unlabelled', 'not for us');
    await publish('labelled', 'for us');
    const [request, ...more] = await on.arrived('/hook');
    assert.equal(JSON.parse(request?.body ?? '').message, 'for us');
    assert.equal(more.length, 0);
  });

  it('lets what is on its way arrive when it stops', async () => {
    await on.provider('slow', { type: 'generic', address: `${on.chat.url}/slow` });
    await on.alert('slow');
    on.chat.reply({ delayMs: 500 });
    await publish('apps', 'in the middle');
    await on.arrived('/slow');
    await replica.running.close();
    on.chat.reply({});
    replica = await on.start();
    await publish('apps', 'afterwards');
    const [, second] = await on.arrived('/slow', 2);
    assert.match(second?.body ?? '', /afterwards/);
  });

  it('sends what its stop cut off once more, and blames nobody', async () => {
    await on.provider('slow', { type: 'generic', address: `${on.chat.url}/slow` });
    await on.alert('slow');
    on.chat.reply({ delayMs: 10_000 });
    await publish('apps', 'in the middle');
    await on.arrived('/slow');
    await replica.running.close();
    on.chat.reply({});
    replica = await on.start();
    await on.arrived('/slow', 2);
    const { items } = await on.client.list(Event, { namespace: NAMESPACE });
    const blamed = items.filter(({ involvedObject, type }) => {
      const { kind, name } = involvedObject as { kind: string; name: string };
      return kind === 'Alert' && name === 'slow' && type === 'Warning';
    });
    assert.deepEqual(blamed, []);
  });

  it('catches up on what happened while NATS was restarted', async () => {
    await on.provider('hook', { type: 'generic', address: `${on.chat.url}/hook` });
    await on.alert('hook');
    await on.known(replica);
    await on.cluster.stop('nats-server');
    await publish('apps', 'while you were out');
    await on.cluster.start('nats-server');
    await until(() => received('/hook').some(({ body }) => body.includes('while you were out')), {
      ...DEADLINE,
      message: 'the event of the time without NATS',
    });
  });
});
