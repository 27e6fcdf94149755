import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, Kustomization } from '@weir/api';
import { type Collector, startCollector, until } from '@weir/cluster';
import { appFiles, gitRepository, isReady, kustomization, startWeir, type Weir } from '@weir/kit';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'traced';

describe('one commit is one trace', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let collector: Collector;

  before(async () => {
    collector = await startCollector();
    started.defer(() => collector.close());
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    // Each service has a process of its own, so that the trace context has to be sent over NATS.
    const processes = [['source'], ['kustomize'], ['notification']];
    weir = await startWeir(started, { processes, env });
    await weir.namespace(NAMESPACE);
    await weir.apply(
      {
        apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
        kind: 'Provider',
        metadata: { namespace: NAMESPACE, name: 'chat' },
        spec: { type: 'slack', address: `${weir.chat.url}/services/T0/B0/x` },
      },
      {
        apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
        kind: 'Alert',
        metadata: { namespace: NAMESPACE, name: 'chat' },
        spec: {
          providerRef: { name: 'chat' },
          eventSources: [{ kind: 'Kustomization', name: '*' }],
        },
      },
    );
    const { url } = await weir.repository('app');
    await weir.commit('app', appFiles('app', { namespace: NAMESPACE, replicas: 0 }));
    await weir.apply(
      gitRepository(NAMESPACE, 'app', url),
      kustomization(NAMESPACE, 'app', 'app', { path: './app' }),
    );
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'app' }, isReady());
  });

  it('from the fetch over NATS to the apply and the alert', async () => {
    const files = appFiles('app', { namespace: NAMESPACE, replicas: 0, greeting: 'traced' });
    const commit = await weir.commit('app', files);
    await weir.requestReconcile(GitRepository, { namespace: NAMESPACE, name: 'app' }, commit);
    await weir.received(({ body }) => body.includes(commit) && body.includes('configured'));

    const spans = await until(
      () => {
        const all = collector.spans();
        const fetched = all.filter(({ name }) => name === 'fetch').at(-1);
        const trace = all.filter(({ traceId }) => traceId === fetched?.traceId);
        const named = new Set(trace.map(({ name }) => name));
        return (
          ['reconcile Kustomization', 'notify slack'].every((name) => named.has(name)) && trace
        );
      },
      { timeoutMs: 30_000, message: 'the spans of the commit' },
    );
    const named = new Map(spans.map((span) => [span.name, span]));
    const services = [
      'reconcile GitRepository',
      'fetch',
      'kustomize.build',
      'kustomize.apply',
      'notify slack',
    ].map((name) => [name, named.get(name)?.resource['service.name']]);
    assert.deepEqual(Object.fromEntries(services), {
      'reconcile GitRepository': 'source',
      fetch: 'source',
      'kustomize.build': 'kustomize',
      'kustomize.apply': 'kustomize',
      'notify slack': 'notification',
    });
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const roots = spans.filter(({ parentSpanId }) => !parentSpanId || !ids.has(parentSpanId));
    assert.deepEqual(
      roots.map(({ name }) => name),
      ['reconcile GitRepository'],
    );
  });
});
