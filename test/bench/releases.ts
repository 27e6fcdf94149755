// N HelmReleases of one chart in one Helm repository. Each has the objects of an app with its name.
import { type HelmRelease, HelmRelease as HelmReleaseKind, HelmRepository } from '@weir/api';
import { readyOf } from '@weir/kit';
import { Deployment, type KubeObject } from '@weir/kube';
import { imageIn, imageOf } from './app.ts';
import { CHART, type PublishedChart, serveChart } from './chart.ts';
import { now } from './measure/clock.ts';
import { type Following, follow } from './measure/follow.ts';
import type { Trial } from './trial.ts';
import { inTurns } from './workload.ts';

const TIMEOUT_MS = 30 * 60_000;
const SOURCE = 'charts';
const FIRST = '1.0.0';

/** The times of a change, in ms after it was made. */
export interface Arrival {
  /** When the Deployments were in the cluster as changed. */
  appliedMs: number;
  /** When all changed HelmReleases were Ready with it. */
  readyMs: number;
}

export interface Releases {
  names: readonly string[];
  /** Creates the Helm repository and all HelmReleases, and waits until all are Ready. Returns the ms that took. */
  install(): Promise<number>;
  /** Publishes a version of the chart and requests a look at the repository, as `flux reconcile` does. */
  newChart(): Promise<Arrival>;
  /** Changes the values of one HelmRelease. */
  newValues(name: string): Promise<Arrival>;
  /** Changes the interval of everything, and puts drift back from now on. Resolves when the system has seen that. */
  watchDrift(interval: string): Promise<void>;
  close(): Promise<void>;
}

export async function openReleases(trial: Trial): Promise<Releases> {
  const { environment, apps } = trial;
  const { client, namespace } = environment;
  const chart = await serveChart();
  const around: Around = {
    trial,
    chart,
    names: Array.from({ length: apps }, (_, index) => `app-${index}`),
    releases: follow<HelmRelease>(client, HelmReleaseKind, namespace),
    deployments: follow<KubeObject>(client, Deployment, namespace),
  };
  let versions = 1;
  let values = 0;
  return {
    names: around.names,
    install: () => install(around),
    newChart: () => changeChart(around, `${++versions}.0.0`),
    newValues: (name) => changeValues(around, name, `by-values-${++values}`),
    watchDrift: (interval) => watchDrift(around, interval),
    async close() {
      await Promise.all([around.releases.close(), around.deployments.close()]);
      await chart.close();
    },
  };
}

interface Around {
  trial: Trial;
  chart: PublishedChart;
  names: readonly string[];
  releases: Following<HelmRelease>;
  deployments: Following<KubeObject>;
}

async function install({ trial, chart, names, releases }: Around): Promise<number> {
  const { environment } = trial;
  const { namespace } = environment;
  chart.publish(FIRST);
  const startedAt = now();
  const ready = releases.when(
    allAre(names, (object) => isReadyWith(object, FIRST)),
    waitFor('the install'),
  );
  const create = async () => {
    await environment.apply(repository(namespace, chart.url));
    await inTurns(names, (name) => environment.apply(release(namespace, name)));
  };
  const [readyAt] = await Promise.all([ready, create()]);
  return readyAt - startedAt;
}

async function changeChart(around: Around, version: string): Promise<Arrival> {
  const { trial, chart, names } = around;
  const { client, namespace } = trial.environment;
  chart.publish(version);
  return arrival(around, names, version, {
    isReady: (object) => isReadyWith(object, version),
    change() {
      const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() };
      const body = { metadata: { annotations } };
      return client.patch(HelmRepository, { namespace, name: SOURCE }, body, { kind: 'merge' });
    },
  });
}

async function changeValues(around: Around, name: string, tag: string): Promise<Arrival> {
  const { client, namespace } = around.trial.environment;
  const before = await client.get<HelmRelease>(HelmReleaseKind, { namespace, name });
  const version = before.status?.history?.[0]?.version ?? 0;
  return arrival(around, [name], tag, {
    isReady: (object) =>
      readyOf(object)?.status === 'True' && object.status?.history?.[0]?.version === version + 1,
    change: () =>
      client.patch(HelmReleaseKind, { namespace, name }, { spec: { values: { tag } } }, BY_BENCH),
  });
}

/** Makes a change, and waits until it is in the cluster and the HelmReleases say so. */
async function arrival(
  { releases, deployments }: Around,
  names: readonly string[],
  tag: string,
  { isReady, change }: { isReady(object: HelmRelease): boolean; change(): Promise<unknown> },
): Promise<Arrival> {
  const image = imageOf(tag);
  const applied = deployments.when(
    allAre(names, (object) => imageIn(object) === image),
    waitFor(tag),
  );
  const ready = releases.when(allAre(names, isReady), waitFor(tag));
  const startedAt = now();
  await change();
  const [appliedAt, readyAt] = await Promise.all([applied, ready]);
  return { appliedMs: appliedAt - startedAt, readyMs: readyAt - startedAt };
}

async function watchDrift({ trial, names, releases }: Around, interval: string): Promise<void> {
  const { client, namespace } = trial.environment;
  const body = { spec: { interval, driftDetection: { mode: 'enabled' } } };
  await inTurns(names, (name) =>
    client.patch(HelmReleaseKind, { namespace, name }, body, BY_BENCH),
  );
  await releases.when(
    allAre(
      names,
      (object) => object.spec.interval === interval && readyOf(object)?.status === 'True',
    ),
    waitFor('the interval'),
  );
}

const BY_BENCH = { kind: 'merge', fieldManager: 'bench' } as const;

/**
 * A check for `Following.when`: each of the names has passed once. Those that passed aren't looked at again, because looking
 * at all of them after each change would take longer than what is measured.
 */
function allAre<T>(names: readonly string[], check: (object: T) => boolean) {
  const waited = new Set(names);
  return (objects: ReadonlyMap<string, T>): boolean => {
    for (const name of waited) {
      const object = objects.get(name);
      if (object === undefined || !check(object)) continue;
      waited.delete(name);
    }
    return waited.size === 0;
  };
}

function isReadyWith(object: HelmRelease, version: string): boolean {
  return (
    readyOf(object)?.status === 'True' && object.status?.history?.[0]?.chartVersion === version
  );
}

function waitFor(message: string) {
  return { timeoutMs: TIMEOUT_MS, message };
}

function repository(namespace: string, url: string): KubeObject {
  const { apiVersion, kind } = HelmRepository;
  return { apiVersion, kind, metadata: { namespace, name: SOURCE }, spec: { interval: '1h', url } };
}

function release(namespace: string, name: string): KubeObject {
  const { apiVersion, kind } = HelmReleaseKind;
  const sourceRef = { kind: HelmRepository.kind, name: SOURCE };
  const chart = { spec: { chart: CHART, version: '*', interval: '1h', sourceRef } };
  return {
    ...{ apiVersion, kind, metadata: { namespace, name } },
    spec: { interval: '1h', timeout: '1m', chart },
  };
}
