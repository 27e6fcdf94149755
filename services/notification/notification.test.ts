import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Alert, crds, Kustomization, Provider } from '@weir/api';
import { type Bus, connectBus, STREAMS } from '@weir/bus';
import { type Cluster, type Receiver, startCluster, startReceiver, until } from '@weir/cluster';
import { createRecorder, type Recorder } from '@weir/events';
import {
  CustomResourceDefinition,
  connectKube,
  Event,
  type KubeClient,
  type KubeObject,
  type ResourceType,
  Secret,
} from '@weir/kube';
import { createSettings, type RunningService } from '@weir/service';
import { createLogger, createMetrics, createTracing, type Metrics } from '@weir/telemetry';
import { service } from './main.ts';

const NAMESPACE = 'default';
const DEADLINE = { timeoutMs: 20_000 };

/** The service against a real API server and a real NATS server; chat services are a local receiver. */
describe('notification', () => {
  let cluster: Cluster;
  let client: KubeClient;
  let bus: Bus;
  let chat: Receiver;
  let recorder: Recorder;
  let running: RunningService;
  let start: () => Promise<void>;
  let metrics: Metrics;
  const made: [ResourceType, string][] = [];

  async function apply(type: ResourceType, name: string, fields: Record<string, unknown>) {
    const apiVersion = type.group ? `${type.group}/${type.version}` : type.version;
    const object = {
      apiVersion,
      kind: type.kind,
      metadata: { namespace: NAMESPACE, name },
      ...fields,
    };
    await client.apply(type, object, { fieldManager: 'test', force: true });
    made.push([type, name]);
  }
  const provider = (name: string, spec: Record<string, unknown>) => apply(Provider, name, { spec });
  const alert = (name: string, spec: Record<string, unknown> = {}) =>
    apply(Alert, name, {
      spec: {
        providerRef: { name },
        eventSources: [{ kind: 'Kustomization', name: '*' }],
        ...spec,
      },
    });

  /** Resolves when the service knows the alerts and providers that are there, and no others. */
  async function known(): Promise<void> {
    for (const type of [Alert, Provider]) {
      const count = made.filter(([other]) => other === type).length;
      const line = `weir_notification_objects{kind="${type.kind}"} ${count}\n`;
      await until(async () => (await metrics.expose()).includes(line), {
        ...DEADLINE,
        message: line,
      });
    }
  }

  /** Tells an event about the Kustomization `name`, as the kustomize service does. */
  async function tell(
    name: string,
    message: string,
    metadata: Record<string, string> = { revision: 'r1' },
  ): Promise<void> {
    await known();
    const object = {
      apiVersion: Kustomization.apiVersion,
      kind: 'Kustomization',
      metadata: { namespace: NAMESPACE, name, uid: `uid-of-${name}` },
    };
    const reason = 'ReconciliationSucceeded';
    recorder.event(object, {
      severity: 'info',
      reason,
      message,
      metadata,
      kubernetes: false,
    });
  }
  const received = (path: string) => chat.requests().filter((request) => request.path === path);
  const arrived = (path: string, count = 1) =>
    until(() => received(path).length >= count && received(path), {
      ...DEADLINE,
      message: `${count} at ${path}`,
    });

  async function warning(kind: string, name: string, reason: string): Promise<KubeObject> {
    return until(
      async () => {
        const { items } = await client.list(Event, { namespace: NAMESPACE });
        return items.find((event) => {
          const about = event.involvedObject as { kind: string; name: string };
          return about.kind === kind && about.name === name && event.reason === reason;
        });
      },
      { ...DEADLINE, message: `a ${reason} event of ${kind}/${name}` },
    );
  }

  const started = new AsyncDisposableStack();
  after(() => started.disposeAsync());

  before(async () => {
    cluster = await startCluster({ nodes: 0, controllerManager: false });
    started.defer(() => cluster.close());
    client = connectKube({ kubeconfig: cluster.kubeconfig });
    started.defer(() => client.close());
    chat = await startReceiver();
    started.defer(() => chat.close());
    for (const crd of crds()) {
      await client.apply(CustomResourceDefinition, crd, { fieldManager: 'test' });
    }
    for (const type of [Alert, Provider]) {
      await until(async () => (await client.list(type)).items, { ...DEADLINE, message: type.kind });
    }
    const log = createLogger({ service: 'notification', level: 'silent' });
    metrics = createMetrics({ service: 'notification' });
    const tracing = createTracing({ service: 'notification' });
    bus = await connectBus({
      servers: cluster.natsUrl,
      cluster: 'test',
      name: 'test',
      owns: STREAMS,
      log,
      metrics,
    });
    started.defer(() => bus.close());
    recorder = createRecorder({
      bus,
      client,
      component: 'kustomize-controller',
      instance: 'k-0',
      log,
      tracing,
    });
    start = async () => {
      running = await service.start({
        name: 'notification',
        instance: 'n-0',
        namespace: NAMESPACE,
        client,
        bus,
        log,
        metrics,
        tracing,
        settings: createSettings({}),
        signal: new AbortController().signal,
      });
      await until(() => running.ready() === true, { ...DEADLINE, message: 'the service' });
    };
    await start();
    started.defer(() => running.close());
  });

  beforeEach(async () => {
    await Promise.all(
      made.splice(0).map(([type, name]) => client.delete(type, { namespace: NAMESPACE, name })),
    );
    chat.clear();
    chat.reply({});
  });

  it('sends an event to every alert that wants it, in the format of its provider', async () => {
    await provider('slack', { type: 'slack', channel: 'ops', address: `${chat.url}/slack` });
    await provider('hook', { type: 'generic', address: `${chat.url}/hook` });
    await alert('slack', { eventMetadata: { env: 'prod' } });
    await alert('hook', { exclusionList: ['noise'] });
    await tell('apps', 'some noise');
    await arrived('/slack');
    await tell('apps', 'Deployment/apps/web configured');
    const [slack] = (await arrived('/slack', 2)).slice(1);
    const [attachment] = JSON.parse(slack?.body ?? '').attachments;
    assert.equal(attachment.text, 'Deployment/apps/web configured');
    assert.deepEqual(attachment.fields, [
      { title: 'env', value: 'prod', short: false },
      { title: 'revision', value: 'r1', short: false },
    ]);
    const hooks = await arrived('/hook');
    assert.equal(hooks.length, 1, 'the noise was left out');
    const event = JSON.parse(hooks[0]?.body ?? '');
    assert.equal(event.involvedObject.name, 'apps');
    assert.deepEqual(event.metadata, { revision: 'r1' });
    assert.equal(hooks[0]?.headers['gotk-component'], 'kustomize-controller');
  });

  it('takes address, token and headers from the secret', async () => {
    await apply(Secret, 'hook', {
      stringData: { address: `${chat.url}/from-secret`, token: 't0ken', headers: 'X-Team: a\n' },
    });
    await provider('hook', { type: 'generic', secretRef: { name: 'hook' } });
    await provider('bot', { type: 'slack', channel: 'ops', secretRef: { name: 'hook' } });
    await alert('hook');
    await alert('bot');
    await tell('apps', 'hello');
    const both = await arrived('/from-secret', 2);
    assert.ok(both.some(({ headers }) => headers['x-team'] === 'a'));
    assert.ok(both.some(({ headers }) => headers.authorization === 'Bearer t0ken'));
  });

  it('tries again what failed, and only that', async () => {
    await provider('good', { type: 'generic', address: `${chat.url}/good` });
    await provider('flaky', { type: 'generic', address: `${chat.url}/flaky` });
    await alert('good');
    await alert('flaky');
    let failures = 2;
    chat.reply(({ path }) => (path === '/flaky' && failures-- > 0 ? { status: 503 } : {}));
    await tell('apps', 'hello');
    await arrived('/flaky', 3);
    assert.equal(received('/good').length, 1);
    const told = await warning('Alert', 'flaky', 'NotificationDispatchFailed');
    assert.match(
      String(told.message),
      /Kustomization\/default\/apps: .*status code 503.*trying again/,
    );
  });

  it('finds a refusal of Feishu behind its status 200', async () => {
    await provider('feishu', { type: 'lark', address: `${chat.url}/feishu` });
    await alert('feishu');
    chat.reply({ body: '{"code":19001,"msg":"param invalid"}' });
    await tell('apps', 'hello');
    const told = await warning('Alert', 'feishu', 'NotificationDispatchFailed');
    assert.match(String(told.message), /code 19001: param invalid/);
    chat.reply({ body: '{"code":0,"msg":"success"}' });
    await arrived('/feishu', 2);
  });

  it('says what is wrong with a provider', async () => {
    await alert('nobody');
    await tell('apps', 'hello');
    const missing = await warning('Alert', 'nobody', 'NotificationDispatchFailed');
    assert.match(String(missing.message), /provider 'default\/nobody' not found/);

    await provider('discord', { type: 'discord', address: `${chat.url}/discord` });
    const unsupported = await warning('Provider', 'discord', 'UnsupportedField');
    assert.match(String(unsupported.message), /spec\.type \(discord\)/);

    await provider('secretless', { type: 'slack', secretRef: { name: 'gone' } });
    await alert('secretless');
    await tell('apps', 'hello');
    const secret = await warning('Alert', 'secretless', 'NotificationDispatchFailed');
    assert.match(String(secret.message), /secret 'default\/gone' not found/);
  });

  it('is silent while the alert or its provider is suspended', async () => {
    await provider('quiet', { type: 'generic', address: `${chat.url}/quiet`, suspend: true });
    await alert('quiet');
    await provider('suspended', { type: 'generic', address: `${chat.url}/suspended` });
    await alert('suspended', { suspend: true });
    await provider('witness', { type: 'generic', address: `${chat.url}/witness` });
    await alert('witness');
    await tell('apps', 'hello');
    await arrived('/witness');
    assert.equal(received('/quiet').length + received('/suspended').length, 0);
  });

  it('tells a run that changed nothing only to those who set commit statuses', async () => {
    await provider('chat', { type: 'slack', address: `${chat.url}/chat` });
    await alert('chat');
    await provider('hook', { type: 'generic', address: `${chat.url}/hook` });
    await alert('hook');
    await tell('apps', 'Reconciliation finished in 1s', { commit_status: 'update' });
    await arrived('/hook');
    await tell('apps', 'Deployment/apps/web configured');
    const [first] = await arrived('/chat');
    assert.match(first?.body ?? '', /configured/);
  });

  it('selects by the labels of the object', async () => {
    await apply(Kustomization, 'labelled', {
      spec: { interval: '1h', prune: true, sourceRef: { kind: 'GitRepository', name: 'x' } },
    });
    const labels = { metadata: { labels: { team: 'a' } } };
    await client.patch(Kustomization, { namespace: NAMESPACE, name: 'labelled' }, labels, {
      kind: 'merge',
    });
    await provider('hook', { type: 'generic', address: `${chat.url}/hook` });
    await alert('hook', {
      eventSources: [{ kind: 'Kustomization', name: '*', matchLabels: { team: 'a' } }],
    });
    await tell('unlabelled', 'not for us');
    await tell('labelled', 'for us');
    const [request, ...more] = await arrived('/hook');
    assert.equal(JSON.parse(request?.body ?? '').message, 'for us');
    assert.equal(more.length, 0);
  });

  it('sends what its stop cut off once more, and blames nobody', async () => {
    await provider('slow', { type: 'generic', address: `${chat.url}/slow` });
    await alert('slow');
    chat.reply({ delayMs: 1_000 });
    await tell('apps', 'in the middle');
    await arrived('/slow');
    await running.close();
    chat.reply({});
    await start();
    await arrived('/slow', 2);
    const { items } = await client.list(Event, { namespace: NAMESPACE });
    const blamed = items.filter(({ involvedObject }) => {
      const { kind, name } = involvedObject as { kind: string; name: string };
      return kind === 'Alert' && name === 'slow';
    });
    assert.deepEqual(blamed, []);
  });

  it('catches up on what happened while NATS was restarted', async () => {
    await provider('hook', { type: 'generic', address: `${chat.url}/hook` });
    await alert('hook');
    await known();
    await cluster.stop('nats-server');
    await tell('apps', 'while you were out');
    await cluster.start('nats-server');
    await until(() => received('/hook').some(({ body }) => body.includes('while you were out')), {
      ...DEADLINE,
      message: 'the event of the time without NATS',
    });
  });
});
