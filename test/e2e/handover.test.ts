import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, Kustomization } from '@weir/api';
import { type Receiver, startReceiver, until } from '@weir/cluster';
import {
  installDefinitions,
  startKustomizeController,
  startSourceController,
} from '@weir/conformance/systems';
import type { FluxEvent } from '@weir/events';
import { isReady, startWeir, type Weir } from '@weir/kit';
import { ConfigMap, Deployment, type KubeObject } from '@weir/kube';
import { cloudEvents } from './cloudevents.ts';
import {
  CHANGE_MESSAGE,
  recordedEvents,
  type Versions,
  versionsOf,
} from './handover/cluster-state.ts';
import { BY_OTHERS, changed, FILES, fleet, NAMESPACE, named, TARGETS } from './handover/fleet.ts';
import { heldStill, type Successor, startSuccessor, writesOfWeir } from './handover/hand-over.ts';
import { stoppedAfter } from './suite.ts';

describe('a cluster moves from Flux to Weir and back', () => {
  const started = stoppedAfter();
  let weir: Weir;
  /** The receiver to which Flux's controllers post their events, in place of its notification-controller. */
  let receiver: Receiver;
  let published: FluxEvent[];
  let stopSource: () => Promise<void>;
  let stopKustomize: () => Promise<void>;
  let successor: Successor;

  before(async () => {
    weir = await startWeir(started, { processes: [], cluster: { nodes: 1, audit: true } });
    receiver = await startReceiver();
    started.defer(() => receiver.close());
    await installDefinitions(weir.client);
    for (const namespace of [NAMESPACE, ...TARGETS]) await weir.namespace(namespace);
    const { url } = await weir.repository('fleet');
    const commit = await weir.commit('fleet', FILES);
    await startFluxSource();
    await startFluxKustomize();
    await weir.apply(...fleet(url));
    await allReady(commit);
    for (const { kind, name, patch, as } of BY_OTHERS) {
      const type = kind === 'ConfigMap' ? ConfigMap : Deployment;
      const how = { kind: 'merge', fieldManager: as } as const;
      await weir.client.patch(type, { namespace: 'shop', name }, patch, how);
    }
    await requestAll('by others');
    published = await cloudEvents(started, weir.cluster.natsUrl);
  });

  const fluxOptions = () => ({
    cluster: weir.cluster,
    dir: weir.dir,
    flags: { 'requeue-dependency': '1s' },
    common: { 'events-addr': receiver.url },
    leaderElection: true,
  });
  async function startFluxSource(): Promise<void> {
    stopSource = await startSourceController(fluxOptions());
    started.defer(stopSource);
  }
  async function startFluxKustomize(): Promise<void> {
    stopKustomize = await startKustomizeController(fluxOptions());
    started.defer(stopKustomize);
  }
  async function kustomizations() {
    const { items } = await weir.client.list<Kustomization>(Kustomization);
    return items.map(({ metadata: { namespace = '', name } }) => ({ namespace, name }));
  }

  async function allReady(commit: string): Promise<void> {
    const all = await kustomizations();
    await Promise.all(all.map((ref) => weir.wait(Kustomization, ref, isReady(commit))));
  }
  /** Requests a reconcile of the source and then of all Kustomizations, and waits until all have been handled. */
  async function requestAll(token: string): Promise<void> {
    await request(GitRepository, { namespace: NAMESPACE, name: 'fleet' }, token);
    const all = await kustomizations();
    await Promise.all(all.map((ref) => request(Kustomization, ref, token)));
  }
  async function request(
    type: typeof GitRepository | typeof Kustomization,
    ref: { namespace: string; name: string },
    token: string,
  ): Promise<void> {
    await weir.requestReconcile(type, ref, token);
    await weir.wait<KubeObject>(type, ref, (object) => {
      const { lastHandledReconcileAt } = (object.status ?? {}) as Record<string, unknown>;
      return lastHandledReconcileAt === token && isReady()(object);
    });
  }
  const versions = () => versionsOf(weir.client, TARGETS);
  /** Asserts that each Kustomization was reconciled, no managed object has changed, and no event says that one has. */
  async function assertUntouched(
    since: { versions: Versions; events: Set<string> },
    read: () => FluxEvent[],
  ) {
    const names = (await kustomizations()).map(({ name }) => name);
    const events = await until(
      () => {
        const all = read();
        const finished = all.filter(({ message }) => message.startsWith('Reconciliation finished'));
        const seen = new Set(finished.map(({ involvedObject }) => involvedObject.name));
        return names.every((name) => seen.has(name)) && all;
      },
      { timeoutMs: 10_000, message: 'the events of all that was asked for' },
    );
    assert.deepEqual(await versions(), since.versions);
    const added = [...(await recordedEvents(weir.client))].filter(
      (line) => !since.events.has(line),
    );
    assert.deepEqual(
      added.filter((line) => CHANGE_MESSAGE.test(line)),
      [],
    );
    assert.deepEqual(
      events.filter(({ message }) => CHANGE_MESSAGE.test(message)),
      [],
    );
  }
  /** Asserts that a commit that changes, adds and drops one object is applied, by whichever system leads. */
  async function carriesOut(count: number): Promise<void> {
    const [dropped, added] = [`dropped-${count}`, `dropped-${count + 1}`];
    const commit = await weir.commit('fleet', {
      'changing/changed.yaml': changed(`commit-${count}`),
      'changing/dropped.yaml': named(added),
    });
    await weir.requestReconcile(GitRepository, { namespace: NAMESPACE, name: 'fleet' }, commit);
    await allReady(commit);
    const config = await weir.find(ConfigMap, 'shop', 'changed');
    assert.deepEqual(config?.data, { value: `commit-${count}` });
    assert.ok(await weir.find(ConfigMap, 'shop', added));
    assert.equal(await weir.find(ConfigMap, 'shop', dropped), undefined);
  }
  const says = (service: 'source' | 'kustomize', leader: 'Flux' | 'Weir') =>
    successor.says(service, leader);
  const eventsOfFlux = () => receiver.requests().map(({ body }) => JSON.parse(body) as FluxEvent);
  const state = async () => ({
    versions: await heldStill(versions),
    events: await recordedEvents(weir.client),
  });

  it('Weir writes nothing while Flux leads, and says why', async () => {
    const at = new Date().toISOString();
    successor = await startSuccessor(weir, ['source', 'kustomize']);
    await says('source', 'Flux');
    await says('kustomize', 'Flux');
    await requestAll('while Flux leads');

    assert.deepEqual(await writesOfWeir(weir.cluster, at), []);
    assert.deepEqual(published, []);
  });

  it('kustomize begins as soon as its counterpart has stopped, and changes nothing', async () => {
    const since = await state();
    assert.ok(Object.keys(since.versions).length > 20, Object.keys(since.versions).join('\n'));
    await stopKustomize();
    const stopped = performance.now();
    await says('kustomize', 'Weir');
    const tookMs = performance.now() - stopped;
    assert.ok(tookMs < 5_000, `work began after ${tookMs} ms`);
    // Flux's source-controller still makes the artifacts.
    await says('source', 'Flux');
    await requestAll('Weir applies what Flux fetches');
    await assertUntouched(since, () => published);
  });

  it('source begins as soon as its counterpart has stopped, and changes nothing', async () => {
    const since = await state();
    published.length = 0;
    await stopSource();
    await successor.starting;
    await requestAll('Weir does both');
    await assertUntouched(since, () => published);
  });

  it('Weir applies the next commit', () => carriesOut(1));

  it('Weir waits again when a controller of Flux comes back, which changes nothing', async () => {
    const since = await state();
    receiver.clear();
    await startFluxKustomize();
    await says('kustomize', 'Flux');
    await says('source', 'Weir');
    await requestAll('Flux applies what Weir fetches');
    await startFluxSource();
    await says('source', 'Flux');
    await (await successor.starting).stop();
    await requestAll('Flux does both');
    await assertUntouched(since, eventsOfFlux);
  });

  it('Flux applies the next commit', () => carriesOut(2));

  it('Flux deletes what Weir had applied', async () => {
    const ref = { namespace: NAMESPACE, name: 'web' };
    await weir.client.delete(Kustomization, ref);
    await weir.gone(Kustomization, ref);
    const left = Object.keys(await versions()).filter((key) => key.includes('/eu-'));
    assert.deepEqual(
      left.filter((key) => !/\/(Pod|ReplicaSet|Endpoint)/.test(key)),
      [],
    );
  });
});
