import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { HelmChart, HelmRelease } from '@weir/api';
import { type ChartRepository, startChartRepository } from '@weir/cluster';
import { publishedCharts } from '@weir/conformance/charts';
import { startHelmController } from '@weir/conformance/helm-systems';
import { installDefinitions, startSourceController } from '@weir/conformance/systems';
import { isReady, startWeir, type Weir } from '@weir/kit';
import { ConfigMap, Deployment, type KubeObject, Secret } from '@weir/kube';
import { recordedEvents, type Versions, versionsOf } from './handover/cluster-state.ts';
import { heldStill, type Successor, startSuccessor, writesOfWeir } from './handover/hand-over.ts';
import {
  CHARTS,
  FAILED,
  helmFleet,
  NAMESPACE,
  READY,
  SCALED,
  TARGETS,
} from './handover/helm-fleet.ts';
import { stoppedAfter } from './suite.ts';

/** Matches the events of a release that was changed. */
const ACTION = /Helm (install|upgrade|rollback|uninstall|test) |drift/i;

interface HelmStatus {
  conditions?: { type: string; status: string; reason: string; message: string }[];
  history?: unknown[];
  inventory?: unknown;
  lastHandledReconcileAt?: string;
}

/** What must be the same under both systems. */
interface State {
  versions: Versions;
  /** History with the digests of snapshots, inventory and conditions by release. */
  releases: Record<string, unknown>;
  events: Set<string>;
}

describe('HelmReleases move from Flux to Weir and back', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let charts: ChartRepository;
  let stopSource: () => Promise<void>;
  let stopHelm: () => Promise<void>;
  let successor: Successor;

  before(async () => {
    weir = await startWeir(started, { processes: [], cluster: { nodes: 1, audit: true } });
    charts = await startChartRepository();
    started.defer(() => charts.close());
    await installDefinitions(weir.client);
    for (const namespace of [NAMESPACE, ...TARGETS]) await weir.namespace(namespace);
    await startFluxSource();
    await startFluxHelm();
    await weir.apply(...helmFleet(await serve()));
    await allReady();
    await failUpgrade();
    const { name, replicas } = SCALED;
    await patch(Deployment, { namespace: 'shop', name }, { spec: { replicas } });
  });

  /** Serves each chart in a repository of its own, because they have the same name. */
  async function serve(): Promise<(name: string) => string> {
    const urls = new Map<string, string>();
    for (const [name, part] of Object.entries({
      apps: 'app-',
      hooks: 'hooks-',
      tests: 'tests-',
      umbrella: 'umbrella-',
    })) {
      const published = publishedCharts(charts, name);
      await published.publish(CHARTS.filter((id) => id.startsWith(part)));
      urls.set(name, published.url);
    }
    return (name) => urls.get(name) ?? '';
  }

  const fluxOptions = () => ({
    cluster: weir.cluster,
    dir: weir.dir,
    // A chart whose server has just stopped would be tried for a minute.
    flags: { 'http-retry': '0' },
    leaderElection: true,
  });
  async function startFluxSource(): Promise<void> {
    stopSource = await startSourceController(fluxOptions());
    started.defer(stopSource);
  }
  async function startFluxHelm(): Promise<void> {
    stopHelm = await startHelmController(fluxOptions());
    started.defer(stopHelm);
  }

  const refOf = (name: string) => ({ namespace: name === 'tenant' ? 'team' : NAMESPACE, name });
  const patch = (type: typeof Deployment, ref: { namespace: string; name: string }, body: object) =>
    weir.client.patch(type, ref, body, { kind: 'merge', fieldManager: 'someone' });
  const statusOf = (object: KubeObject) => (object.status ?? {}) as HelmStatus;

  async function allReady(): Promise<void> {
    const names = [...READY, FAILED];
    await Promise.all(names.map((name) => weir.wait(HelmRelease, refOf(name), isReady(), 90_000)));
  }
  async function failUpgrade(): Promise<void> {
    const values = { replicas: 1, image: 'example.org/fail:1' };
    await patch(HelmRelease, refOf(FAILED), { spec: { values } });
    const isStalled = (object: KubeObject) =>
      statusOf(object).conditions?.some((it) => it.type === 'Stalled' && it.status === 'True') ===
      true;
    await weir.wait(HelmRelease, refOf(FAILED), isStalled, 90_000);
  }
  /** Requests a reconcile of all charts and then of all HelmReleases, and waits until all have answered. */
  async function requestAll(token: string): Promise<void> {
    const { items } = await weir.client.list(HelmChart);
    await Promise.all(
      items.map(async ({ metadata: { name, namespace = '' } }) => {
        const isAnswered = (object: KubeObject) =>
          statusOf(object).lastHandledReconcileAt === token && isReady()(object);
        await weir.requestReconcile(HelmChart, { namespace, name }, token);
        await weir.wait(HelmChart, { namespace, name }, isAnswered, 60_000);
      }),
    );
    await Promise.all(
      [...READY, FAILED].map(async (name) => {
        const isAnswered = (object: KubeObject) =>
          statusOf(object).lastHandledReconcileAt === token &&
          (name === FAILED || isReady()(object));
        await weir.requestReconcile(HelmRelease, refOf(name), token);
        await weir.wait(HelmRelease, refOf(name), isAnswered, 60_000);
      }),
    );
  }
  async function releases(): Promise<Record<string, unknown>> {
    const { items } = await weir.client.list(HelmRelease);
    const entries = items.map((object): [string, unknown] => {
      const { conditions = [], history, inventory } = statusOf(object);
      const said = conditions.map(({ type, status, reason, message }) =>
        [type, status, reason, message].join(' '),
      );
      return [object.metadata.name, { history, inventory, conditions: said.sort() }];
    });
    return Object.fromEntries(entries.sort());
  }
  /** Asserts that the artifact of each chart is served where its status says. */
  async function assertServed(): Promise<void> {
    const { items } = await weir.client.list(HelmChart);
    const answers = items.map(async ({ metadata: { name }, status }) => {
      const { url = '' } = (status as { artifact?: { url: string } }).artifact ?? {};
      return [name, url, (await fetch(url, { method: 'HEAD' })).status];
    });
    assert.deepEqual(
      (await Promise.all(answers)).filter(([, , code]) => code !== 200),
      [],
    );
  }
  async function chartVersions(): Promise<Versions> {
    const { items } = await weir.client.list(HelmChart);
    return Object.fromEntries(
      items.map(({ metadata: { name, uid, generation } }) => [name, `${uid} ${generation}`]),
    );
  }
  const versions = async () => ({
    ...(await versionsOf(weir.client, TARGETS)),
    ...(await chartVersions()),
  });
  const events = () => recordedEvents(weir.client, ['HelmRelease']);
  async function settled(): Promise<State> {
    return {
      versions: await heldStill(versions),
      releases: await releases(),
      events: await events(),
    };
  }
  /** Asserts that no object, stored release or snapshot has changed, and no event says that one has. */
  async function assertUntouched(since: State): Promise<void> {
    assert.deepEqual(await versions(), since.versions);
    assert.deepEqual(await releases(), since.releases);
    const added = [...(await events())].filter((line) => !since.events.has(line));
    assert.deepEqual(
      added.filter((line) => ACTION.test(line)),
      [],
    );
  }
  /** Asserts that a change of values is released, by whichever system leads. */
  async function carriesOut(color: string, version: number): Promise<void> {
    await patch(HelmRelease, refOf('changing'), { spec: { values: { color } } });
    await weir.wait(HelmRelease, refOf('changing'), (object) => {
      const [latest] = (statusOf(object).history ?? []) as { version: number }[];
      return isReady()(object) && latest?.version === version;
    });
    const config = await weir.find(ConfigMap, 'shop', 'shop-changing-cfg');
    assert.deepEqual(config?.data, { color });
    const stored = `sh.helm.release.v1.shop-changing.v${version}`;
    assert.ok(await weir.find(Secret, NAMESPACE, stored));
  }
  const says = (service: 'source' | 'helm-release', leader: 'Flux' | 'Weir') =>
    successor.says(service, leader);

  it('Weir writes nothing while Flux leads', async () => {
    const at = new Date().toISOString();
    successor = await startSuccessor(weir, ['source', 'helm-release']);
    await says('source', 'Flux');
    await says('helm-release', 'Flux');
    await requestAll('while Flux leads');
    assert.deepEqual(await writesOfWeir(weir.cluster, at), []);
  });

  it('helm-release begins as soon as its counterpart has stopped, and releases nothing', async () => {
    const since = await settled();
    assert.ok(Object.keys(since.versions).length > 40, Object.keys(since.versions).join('\n'));
    await stopHelm();
    await says('helm-release', 'Weir');
    // Flux's source-controller still makes the charts.
    await says('source', 'Flux');
    await requestAll('Weir releases what Flux fetches');
    await assertUntouched(since);
  });

  it('source begins as soon as its counterpart has stopped, and nothing is released', async () => {
    const since = await settled();
    await stopSource();
    await successor.starting;
    await requestAll('Weir does both');
    await assertServed();
    await assertUntouched(since);
  });

  it('Weir releases the next change', () => carriesOut('second', 2));

  it('Weir waits again when the controllers of Flux come back, which release nothing', async () => {
    const since = await settled();
    await startFluxHelm();
    await says('helm-release', 'Flux');
    await requestAll('Flux releases what Weir fetches');
    await startFluxSource();
    await says('source', 'Flux');
    await (await successor.starting).stop();
    await requestAll('Flux does both');
    await assertUntouched(since);
  });

  it('Flux releases the next change', () => carriesOut('third', 3));

  it('Flux uninstalls what Weir had released', async () => {
    await weir.client.delete(HelmRelease, refOf('changing'));
    await weir.gone(HelmRelease, refOf('changing'));
    const left = Object.keys(await versions()).filter((key) => key.includes('shop-changing'));
    assert.deepEqual(
      left.filter((key) => !/\/(Pod|ReplicaSet|Endpoint)/.test(key)),
      [],
    );
  });
});
