// A minute without kube-apiserver, and a minute without NATS, after which its data is lost. Each outage has a cluster of
// its own, and both happen at the same time.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, HelmRelease, HelmRepository, Kustomization } from '@weir/api';
import { freePort, until } from '@weir/cluster';
import type { PublishedCharts } from '@weir/conformance/charts';
import type { FluxEvent } from '@weir/events';
import { gitRepository, isFailed, isReady, kustomization, startWeir, type Weir } from '@weir/kit';
import { ConfigMap, type KubeObject } from '@weir/kube';
import { cloudEvents } from './cloudevents.ts';
import { helmRelease, helmRepository, serveCharts } from './releases.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'outages';
const OUTAGE_MS = 60_000;
const OWNER = 'kustomize.toolkit.fluxcd.io/name';
const LONG_MS = 60_000;
/** So many objects that applying all of them takes longer than it takes the test to see the first one. */
const MANY = 300;
/** Objects that correct a drift: the run that does so ends with the same message as the one before it. */
const DRIFTING = ['drifting', 'web'];

/** ConfigMaps with these names, in one file. */
function maps(folder: string, names: readonly string[], value: string): Record<string, string> {
  const documents = names.map(
    (name) => `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${NAMESPACE}}
data: {value: ${value}}
`,
  );
  return { [`${folder}/all.yaml`]: documents.join('---\n') };
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

/** The data of the ConfigMaps that a Kustomization has applied, by name. */
async function applied(weir: Weir, owner: string): Promise<Record<string, unknown>> {
  const labelSelector = `${OWNER}=${owner}`;
  const { items } = await weir.client.list(ConfigMap, { namespace: NAMESPACE, labelSelector });
  return Object.fromEntries(items.map(({ metadata, data }) => [metadata.name, data]));
}

function expectedMaps(names: readonly string[], value: string): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, { value }]));
}

function inventory({ status }: Kustomization): string[] {
  return (status?.inventory?.entries ?? []).map(({ id }) => id.split('_')[1] ?? '').sort();
}

/** Waits until the HelmRelease `web` is Ready with this version of its chart. */
async function released(weir: Weir, version: string): Promise<void> {
  const ref = { namespace: NAMESPACE, name: 'web' };
  await weir.wait(HelmRelease, ref, isReady(`app@${version}`), LONG_MS);
}

/** Flags that keep a process from using the ports of the other cluster's processes. */
const ownPorts = async () => [`--artifact-port=${await freePort()}`];

/** The events that were published more than once for the same object and revision, without their times. */
function repeated(events: readonly FluxEvent[]): string[] {
  const lines = events.map(({ involvedObject: { kind, name }, reason, message, metadata = {} }) => {
    const said = message.replace(/\d+(\.\d+)?(ms|s)\b/g, 'T');
    return `${kind}/${name} ${reason} ${Object.values(metadata).sort().join(' ')} ${said}`;
  });
  return lines.filter((line, index) => lines.indexOf(line) < index);
}

describe('a minute without', { concurrency: true }, () => {
  describe('kube-apiserver', { concurrency: false }, () => {
    const started = stoppedAfter();
    let weir: Weir;
    let charts: PublishedCharts;
    let events: FluxEvent[];

    before(async () => {
      weir = await startWeir(started, { flags: await ownPorts() });
      await weir.namespace(NAMESPACE);
      charts = await serveCharts(started, ['small-1.0.0']);
      const { url } = await weir.repository('fleet');
      const commit = await weir.commit('fleet', {
        ...maps('steady', ['one', 'two'], 'first'),
        ...maps('other', ['three'], 'first'),
        ...maps('large', ['small'], 'first'),
      });
      await weir.apply(
        gitRepository(NAMESPACE, 'fleet', url, { interval: '2s' }),
        ...['steady', 'other', 'large'].map((name) =>
          kustomization(NAMESPACE, name, 'fleet', { path: `./${name}` }),
        ),
        helmRepository(NAMESPACE, charts.url, { interval: '2s' }),
        helmRelease(NAMESPACE, 'web'),
      );
      for (const name of ['steady', 'other', 'large']) {
        await weir.wait(Kustomization, { namespace: NAMESPACE, name }, isReady(commit));
      }
      await released(weir, '1.0.0');
      events = await cloudEvents(started, weir.cluster.natsUrl);
    });

    it('in the middle of an apply: it is completed later, and nothing is orphaned', async () => {
      const names = numbered('large', MANY);
      await weir.commit('fleet', maps('large', names, 'second'));
      await until(async () => Object.keys(await applied(weir, 'large')).length > 1, {
        timeoutMs: LONG_MS,
        intervalMs: 5,
        message: 'the middle of the apply',
      });
      await weir.cluster.stop('kube-apiserver', { signal: 'SIGKILL' });
      const back = performance.now() + OUTAGE_MS;
      await charts.publish(['small-1.1.0']);
      // Objects that the interrupted apply created and this commit drops have to be pruned as well.
      const kept = names.slice(0, 3);
      const commit = await weir.commit('fleet', {
        ...maps('steady', ['one', 'new'], 'third'),
        ...maps('large', kept, 'third'),
      });
      const [process] = weir.processes;
      const state = async (path: string) => (await fetch(`${process?.health}/${path}`)).status;
      await until(async () => (await state('readyz')) === 503, {
        timeoutMs: OUTAGE_MS,
        message: 'services that say that they are not ready',
      });
      assert.equal(await state('healthz'), 200);
      await until(() => performance.now() > back, {
        timeoutMs: 2 * OUTAGE_MS,
        message: 'the end of the minute',
      });
      await weir.cluster.start('kube-apiserver');

      const ready = (name: string) =>
        weir.wait<Kustomization>(
          Kustomization,
          { namespace: NAMESPACE, name },
          isReady(commit),
          LONG_MS,
        );
      await released(weir, '1.1.0');
      assert.deepEqual(inventory(await ready('steady')), ['new', 'one']);
      assert.deepEqual(inventory(await ready('other')), ['three']);
      assert.deepEqual(inventory(await ready('large')), [...kept].sort());
      assert.deepEqual(await applied(weir, 'steady'), expectedMaps(['one', 'new'], 'third'));
      assert.deepEqual(await applied(weir, 'other'), expectedMaps(['three'], 'first'));
      assert.deepEqual(await applied(weir, 'large'), expectedMaps(kept, 'third'));
      await until(async () => (await state('readyz')) === 200, {
        timeoutMs: LONG_MS,
        message: 'services that are ready again',
      });
    });

    it('and drift is put back again, commits are followed again', async () => {
      for (const name of ['one', 'web-cfg']) {
        const ref = { namespace: NAMESPACE, name };
        await weir.client.delete(ConfigMap, ref);
        await weir.wait(ConfigMap, ref, () => true);
      }
      const commit = await weir.commit('fleet', maps('other', ['four'], 'fourth'));
      await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'other' }, isReady(commit));
      assert.deepEqual(await applied(weir, 'other'), expectedMaps(['four'], 'fourth'));
      await runEnded(events, 'other', commit);
      assert.deepEqual(repeated(events), []);
    });
  });

  describe('NATS, whose data is lost', { concurrency: false }, () => {
    const started = stoppedAfter();
    let weir: Weir;
    let charts: PublishedCharts;
    let events: FluxEvent[];
    let first: string;

    before(async () => {
      // Each service has a process of its own, so that what they exchange has to work without NATS.
      const processes = [['source'], ['kustomize'], ['notification'], ['helm-release']];
      weir = await startWeir(started, {
        processes,
        flags: await ownPorts(),
        cluster: { nodes: 0, controllerManager: false },
      });
      await weir.namespace(NAMESPACE);
      charts = await serveCharts(started, ['small-1.0.0']);
      const { url } = await weir.repository('fleet');
      first = await weir.commit('fleet', {
        ...maps('steady', ['one', 'two'], 'first'),
        ...maps('other', ['three'], 'first'),
        ...maps('drifting', ['four'], 'first'),
        ...maps('late', ['late'], 'first'),
      });
      await weir.apply(...alerting(weir.chat.url));
      await weir.knowsAlerts(1);
      await weir.apply(
        gitRepository(NAMESPACE, 'fleet', url),
        ...['steady', 'other', 'drifting'].map((name) =>
          kustomization(NAMESPACE, name, 'fleet', { path: `./${name}` }),
        ),
        helmRepository(NAMESPACE, charts.url),
        helmRelease(NAMESPACE, 'web'),
      );
      await released(weir, '1.0.0');
      for (const name of ['steady', 'other', 'drifting']) {
        await weir.wait(Kustomization, { namespace: NAMESPACE, name }, isReady(first));
        await weir.received(({ body }) => body.includes(`/${name}.`) && body.includes(first));
      }
      events = await cloudEvents(started, weir.cluster.natsUrl);
    });

    async function push(files: Record<string, string | null>): Promise<string> {
      const commit = await weir.commit('fleet', files);
      await weir.requestReconcile(GitRepository, { namespace: NAMESPACE, name: 'fleet' }, commit);
      return commit;
    }
    const ready = (name: string, commit: string) =>
      weir.wait<Kustomization>(
        Kustomization,
        { namespace: NAMESPACE, name },
        isReady(commit),
        LONG_MS,
      );

    it('commits are applied, and their events are published once when NATS is back', async () => {
      await weir.cluster.stop('nats-server', { signal: 'SIGKILL' });
      const back = performance.now() + OUTAGE_MS;
      const second = await push(maps('steady', ['one', 'new'], 'second'));
      const { status } = await ready('steady', second);
      assert.equal(status?.lastAppliedRevision, `main@sha1:${second}`);
      assert.deepEqual(await applied(weir, 'steady'), expectedMaps(['one', 'new'], 'second'));

      await charts.publish(['small-1.1.0']);
      await weir.requestReconcile(HelmRepository, { namespace: NAMESPACE, name: 'charts' }, 'new');
      await released(weir, '1.1.0');
      for (const name of ['four', 'web-cfg']) {
        const ref = { namespace: NAMESPACE, name };
        await weir.client.delete(ConfigMap, ref);
        await weir.wait(ConfigMap, ref, () => true);
      }
      await weir.apply(kustomization(NAMESPACE, 'late', 'fleet', { path: './late' }));
      await ready('late', second);
      const broken = await push({ 'steady/broken.yaml': 'kind: ConfigMap\n\tbroken: [' });
      const steady = { namespace: NAMESPACE, name: 'steady' };
      await weir.wait(Kustomization, steady, isFailed('BuildFailed', /broken\.yaml/));
      await ready('other', broken);

      await until(() => performance.now() > back, {
        timeoutMs: 2 * OUTAGE_MS,
        message: 'the end of the minute',
      });
      // NATS starts again without its data.
      await weir.cluster.restart('nats-server', { wipe: true });
      for (const [name, text] of [
        ['steady', second],
        ['late', second],
        ['steady', 'broken.yaml'],
      ]) {
        await weir.received(({ body }) => body.includes(`/${name}.`) && body.includes(text ?? ''));
      }
      const repaired = await push({ 'steady/broken.yaml': null });
      await ready('steady', repaired);
      await runEnded(events, 'steady', repaired);
      const calm = events.filter(({ involvedObject: { name } }) => !DRIFTING.includes(name));
      assert.deepEqual(repeated(calm), []);
      assert.deepEqual(
        events.filter(({ metadata = {} }) => Object.values(metadata).join().includes(first)),
        [],
        'events of the commit before the outage',
      );
    });

    it('and a replica that starts now finds the artifacts', async () => {
      await weir.processes[1]?.stop();
      await weir.start(['kustomize'], { name: 'kustomize-later' });
      const ref = { namespace: NAMESPACE, name: 'other' };
      await weir.requestReconcile(Kustomization, ref, 'later');
      await weir.wait<Kustomization>(
        Kustomization,
        ref,
        (object) => object.status?.lastHandledReconcileAt === 'later' && isReady()(object),
      );
      assert.deepEqual(await applied(weir, 'other'), expectedMaps(['three'], 'first'));
    });
  });
});

/** Waits until the event of the end of a run at this commit was published. */
function runEnded(events: readonly FluxEvent[], name: string, commit: string) {
  const isIt = ({ involvedObject, message, metadata = {} }: FluxEvent) =>
    involvedObject.name === name &&
    message.startsWith('Reconciliation finished') &&
    Object.values(metadata).join().includes(commit);
  return until(() => events.some(isIt), { timeoutMs: LONG_MS, message: `the event of ${name}` });
}

/** A Provider that sends to the receiver, and an Alert that selects all Kustomizations. */
function alerting(receiver: string): KubeObject[] {
  const apiVersion = 'notification.toolkit.fluxcd.io/v1beta3';
  const metadata = { namespace: NAMESPACE, name: 'chat' };
  const spec = { type: 'slack', address: `${receiver}/services/T0/B0/x` };
  const eventSources = [{ kind: 'Kustomization', name: '*' }];
  return [
    { apiVersion, kind: 'Provider', metadata, spec },
    { apiVersion, kind: 'Alert', metadata, spec: { providerRef: { name: 'chat' }, eventSources } },
  ];
}
