import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { CloudEvent } from '@weir/bus';
import { testBus } from '@weir/bus/testing';
import { type Cluster, startCluster, until } from '@weir/cluster';
import { connectKube, type KubeClient, type KubeObject } from '@weir/kube';
import { createTracing } from '@weir/telemetry';
import type { KubernetesEvent } from './correlate.ts';
import type { FluxEvent } from './fluxevent.ts';
import { createRecorder } from './recorder.ts';

const object: KubeObject = {
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: {
    name: 'app',
    namespace: 'default',
    uid: '5f1e0a52-0000-4000-8000-000000000000',
    resourceVersion: '42',
    annotations: { 'event.toolkit.fluxcd.io/team': 'blue', other: 'x' },
  },
};
const group = 'kustomize.toolkit.fluxcd.io';

describe('the recorder', () => {
  let cluster: Cluster;
  let client: KubeClient;
  before(async () => {
    cluster = await startCluster({ nodes: 0, controllerManager: false });
    client = await connectKube({ kubeconfig: cluster.kubeconfig });
  });
  after(async () => {
    await client?.close();
    await cluster?.close();
  });

  async function setup(t: TestContext) {
    const bus = await testBus(t, cluster.natsUrl);
    await bus.ready;
    const tracing = createTracing({ service: 'test', endpoint: '' });
    const recorder = createRecorder({
      bus,
      client,
      component: 'kustomize-controller',
      instance: 'pod-1',
      log: bus.log,
      tracing,
    });
    const published = async () => {
      assert.equal(await bus.flush(5_000), true);
      const manager = await (await bus.jetstream()).jetstreamManager(false);
      const message = await manager.streams.getMessage('weir-events', {
        last_by_subj: 'weir.event.>',
      });
      assert.ok(message);
      return { subject: message.subject, event: message.json<CloudEvent>() };
    };
    const kubernetes = async (reason: string) => {
      assert.equal(await recorder.flush(10_000), true);
      const path = '/api/v1/namespaces/default/events';
      const { items } = await cluster.request<{ items: KubernetesEvent[] }>('GET', path);
      return items.filter((item) => item.reason === reason);
    };
    return { bus, recorder, tracing, published, kubernetes };
  }

  it('writes a CloudEvent and a Kubernetes Event in the form of Flux', async (t) => {
    const { recorder, tracing, published, kubernetes } = await setup(t);
    const traceparent = await tracing.span('reconcile', {}, async () => {
      recorder.event(object, {
        severity: 'error',
        reason: 'BuildFailed',
        message: 'cannot clone https://me:geheim@host/x',
        metadata: { revision: 'main@sha1:abc', 'other.io/key': 'Bearer geheim-geheim' },
      });
      return tracing.traceparent();
    });
    const { subject, event } = await published();
    assert.equal(
      subject,
      'weir.event.test.Kustomization%2Ekustomize%2Etoolkit%2Efluxcd%2Eio.default.app.BuildFailed',
    );
    assert.equal(event.traceparent, traceparent);
    const metadata = {
      [`${group}/revision`]: 'main@sha1:abc',
      'other.io/key': 'Bearer ***',
      'event.toolkit.fluxcd.io/team': 'blue',
    };
    const involvedObject = {
      apiVersion: `${group}/v1`,
      kind: 'Kustomization',
      namespace: 'default',
      name: 'app',
      uid: object.metadata.uid,
      resourceVersion: '42',
    };
    const { timestamp, ...data } = event.data as FluxEvent;
    assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(data, {
      involvedObject,
      severity: 'error',
      message: 'cannot clone https://***@host/x',
      reason: 'BuildFailed',
      metadata,
      reportingController: 'kustomize-controller',
      reportingInstance: 'pod-1',
    });
    const [written] = await kubernetes('BuildFailed');
    assert.ok(written);
    assert.match(written.metadata.name, /^app\.[0-9a-f]{16}$/);
    assert.deepEqual(written.metadata.annotations, metadata);
    assert.deepEqual(written.involvedObject, involvedObject);
    assert.equal(written.type, 'Warning');
    assert.equal(written.message, 'cannot clone https://***@host/x');
    assert.deepEqual(written.source, { component: 'kustomize-controller' });
    assert.equal(written.reportingComponent, 'kustomize-controller');
    assert.equal(written.reportingInstance, 'pod-1');
    assert.equal(written.count, 1);
  });

  it('counts up what happens again, also after the Event expired', async (t) => {
    const { recorder, kubernetes } = await setup(t);
    const details = { severity: 'info', reason: 'Again', message: 'same' } as const;
    for (let i = 0; i < 3; i++) recorder.event(object, details);
    const [written, ...more] = await kubernetes('Again');
    assert.deepEqual([written?.count, written?.type, more.length], [3, 'Normal', 0]);
    await cluster.request('DELETE', `/api/v1/namespaces/default/events/${written?.metadata.name}`);
    recorder.event(object, details);
    assert.deepEqual(
      (await kubernetes('Again')).map(({ count }) => count),
      [1],
    );
  });

  it('cuts long messages for Kubernetes only, and keeps traces from alerts', async (t) => {
    const { recorder, published, kubernetes } = await setup(t);
    recorder.event(object, { severity: 'info', reason: 'Long', message: 'x'.repeat(3_000) });
    recorder.event(object, { severity: 'trace', reason: 'Trace', message: 'quiet' });
    recorder.event(object, { severity: 'info', reason: 'Quiet', message: 'm', kubernetes: false });
    const [long] = await kubernetes('Long');
    assert.equal(long?.message.length, 1_024);
    assert.equal((await kubernetes('Trace')).length, 1);
    assert.equal((await kubernetes('Quiet')).length, 0);
    const { event } = await published();
    assert.equal((event.data as FluxEvent).reason, 'Quiet');
  });

  it('publishes a happening once, however often it is reported', async (t) => {
    const { bus, recorder } = await setup(t);
    const manager = await (await bus.jetstream()).jetstreamManager(false);
    const before = (await manager.streams.info('weir-events')).state.messages;
    const details = { severity: 'info', reason: 'Once', message: 'm', id: 'uid/rev/1' } as const;
    for (let i = 0; i < 2; i++) recorder.event(object, details);
    assert.equal(await bus.flush(5_000), true);
    assert.equal((await manager.streams.info('weir-events')).state.messages, before + 1);
  });

  it('publishes a failure that repeats each second once, and lets it drown nobody', async (t) => {
    const { bus, recorder, kubernetes } = await setup(t);
    const manager = await (await bus.jetstream()).jetstreamManager(false);
    const before = (await manager.streams.info('weir-events')).state.messages;
    const failure = { severity: 'error', reason: 'Repeats', message: 'no such file' } as const;
    for (let i = 0; i < 300; i++) recorder.event(object, failure);
    recorder.event(object, { ...failure, metadata: { revision: 'main@sha1:next' } });
    assert.equal(await bus.flush(5_000), true);
    assert.equal((await manager.streams.info('weir-events')).state.messages, before + 2);
    assert.match(await bus.metrics.expose(), /events_unpublished_total\{cause="repeat"\} 299/);
    assert.equal((await kubernetes('Repeats')).length, 1);
  });

  it('publishes no more of a namespace than its share, and says so', async (t) => {
    const { bus, recorder } = await setup(t);
    const manager = await (await bus.jetstream()).jetstreamManager(false);
    const { last_seq: before } = (await manager.streams.info('weir-events')).state;
    const details = { severity: 'error', kubernetes: false } as const;
    for (let i = 0; i < 2_000; i++) {
      const reason = `Flood${i}`;
      recorder.event(object, { ...details, reason, message: `${i} ${'x'.repeat(38_000)}` });
      // Events are published as fast as the stream accepts them, because the outbox bounds how many may wait.
      if (i % 100 === 0) await bus.flush(5_000);
    }
    const calm = { ...object, metadata: { ...object.metadata, namespace: 'calm' } };
    recorder.event(calm, { ...details, reason: 'Calm', message: 'm' });
    await bus.close();
    const other = await testBus(t, cluster.natsUrl);
    await other.ready;
    const now = await (await other.jetstream()).jetstreamManager(false);
    const { last_seq: after } = (await now.streams.info('weir-events')).state;
    const published = after - before;
    assert.ok(published > 300 && published < 500, `${published} of 2,000`);
    for (const [reason, message] of [
      ['Calm', /^m$/],
      ['EventsDropped', /^1[56]\d\d events of this namespace were not published/],
    ] as const) {
      const last = { last_by_subj: `weir.event.test.*.*.*.${reason}` };
      const found = await now.streams.getMessage('weir-events', last);
      assert.ok(found, reason);
      assert.match((found.json<CloudEvent>().data as FluxEvent).message, message);
    }
  });

  it('has written its Kubernetes Events when the bus is closed', async (t) => {
    const { bus, recorder } = await setup(t);
    for (let i = 0; i < 5; i++) {
      recorder.event(object, { severity: 'info', reason: `Last${i}`, message: 'm' });
    }
    await bus.close();
    const path = '/api/v1/namespaces/default/events';
    const { items } = await cluster.request<{ items: KubernetesEvent[] }>('GET', path);
    assert.equal(items.filter(({ reason }) => reason.startsWith('Last')).length, 5);
  });

  it('survives an API server that is away, and an object that it refuses', async (t) => {
    const { bus, recorder, kubernetes } = await setup(t);
    const lost = { ...object, metadata: { ...object.metadata, namespace: 'no-such-namespace' } };
    recorder.event(lost, { severity: 'info', reason: 'Nowhere', message: 'm' });
    await until(() => bus.lines.some((line) => line.includes('could not be written')), {
      timeoutMs: 10_000,
      message: 'the warning',
    });
    await cluster.stop('kube-apiserver', { signal: 'SIGKILL' });
    recorder.event(object, { severity: 'info', reason: 'Away', message: 'm' });
    const back = performance.now() + 10_000;
    await until(() => performance.now() > back, { timeoutMs: 20_000, message: 'ten seconds' });
    await cluster.start('kube-apiserver');
    await until(async () => (await kubernetes('Away')).length === 1, {
      timeoutMs: 30_000,
      message: 'the Event',
    });
  });
});
