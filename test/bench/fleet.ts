// N apps in one repository. Each has a folder and a Kustomization of its own.
import { Kustomization } from '@weir/api';
import type { GitServerRepository } from '@weir/cluster';
import { readyOf } from '@weir/kit';
import { Deployment, type KubeObject } from '@weir/kube';
import { appFiles, imageIn, imageOf } from './app.ts';
import { now } from './measure/clock.ts';
import { type Following, follow } from './measure/follow.ts';
import { spentOn } from './measure/window.ts';
import type { Measurement } from './measurement.ts';
import type { Trial } from './trial.ts';
import {
  allReadyAt,
  appKustomization,
  createAll,
  requestReconcile,
  setIntervals,
} from './workload.ts';

const TIMEOUT_MS = 30 * 60_000;
const SOURCE = 'apps';
/** The app that the scenario `failing` breaks. */
export const FRAGILE = 'app-0';

/** The times of a commit, in ms after the reconcile was requested. */
export interface Arrival {
  /** When the changed objects were in the cluster as committed. */
  appliedMs: number;
  /** When all Kustomizations of `waitFor` were Ready with the commit. */
  readyMs: number;
  /** When all Kustomizations of `apart` were Ready with the commit; 0 when there are none. */
  apartMs: number;
}

export interface CommitOptions {
  /** The Kustomizations to wait for; all unless given. */
  waitFor?: readonly string[];
  /** Kustomizations whose time is measured separately; none unless given. */
  apart?: readonly string[];
  /** Apps that cannot become healthy with this commit. */
  broken?: readonly string[];
}

export interface Fleet {
  names: readonly string[];
  kustomizations: Following<KubeObject>;
  /** The measurement of the installation. */
  installed: Measurement;
  /** Commits a new version of some apps, requests a reconcile, and waits until the commit is applied and Ready. */
  commit(changed: readonly string[], options?: CommitOptions): Promise<Arrival>;
  /** Changes the interval of the source and of all apps. Resolves when the system has observed the change. */
  setInterval(interval: string): Promise<void>;
  close(): Promise<void>;
}

/** Installs the apps and measures the installation. */
export async function installFleet(trial: Trial): Promise<Fleet> {
  const { environment, apps } = trial;
  const { client, namespace, git } = environment;
  const names = Array.from({ length: apps }, (_, index) => `app-${index}`);
  const repository = await git.createRepository(SOURCE);
  const deployments = follow<KubeObject>(client, Deployment, namespace);
  const kustomizations = follow<KubeObject>(client, Kustomization, namespace);
  const close = async () => void (await Promise.all([deployments.close(), kustomizations.close()]));
  const around = { trial, names, repository, deployments, kustomizations };
  try {
    const installed = await install(around);
    let version = 1;
    return {
      names,
      kustomizations,
      installed,
      commit: (changed, options) => commit(around, changed, `v${++version}`, options),
      setInterval: (interval) => changeInterval(around, interval),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Around {
  trial: Trial;
  names: readonly string[];
  repository: GitServerRepository;
  deployments: Following<KubeObject>;
  kustomizations: Following<KubeObject>;
}

async function install({ trial, names, repository, kustomizations }: Around): Promise<Measurement> {
  const { environment, apps, progress } = trial;
  const { namespace } = environment;
  const first = await repository.commit(filesOf(namespace, names, 'v1'));
  progress(`installing ${apps} apps`);
  const installing = async () => {
    const startedAt = now();
    const ready = kustomizations.when(allReadyAt(names, first), {
      timeoutMs: TIMEOUT_MS,
      message: `${apps} apps to be installed`,
    });
    const objects = names.map((name) => appKustomization(namespace, name, SOURCE, specOf(name)));
    const created = createAll(environment, { name: SOURCE, url: repository.url }, objects);
    const [readyAt] = await Promise.all([ready, created]);
    return readyAt - startedAt;
  };
  const { result, spent } = await spentOn(trial, installing, { name: 'install' });
  return {
    id: 'install',
    name: 'install',
    apps,
    count: 1,
    unit: 'install',
    times: { 'all Ready': [result] },
    spent,
  };
}

async function commit(
  { trial, names, repository, deployments, kustomizations }: Around,
  changed: readonly string[],
  version: string,
  { waitFor = names, apart = [], broken = [] }: CommitOptions = {},
): Promise<Arrival> {
  const { environment } = trial;
  const files = filesOf(environment.namespace, changed, version, broken);
  const revision = await repository.commit(files);
  const waiting = { timeoutMs: TIMEOUT_MS, message: `the commit of ${version}` };
  const image = imageOf(version);
  const pending = new Set(changed.filter((name) => waitFor.includes(name)));
  const applied = deployments.when((objects) => {
    for (const name of pending) {
      if (imageIn(objects.get(name)) !== image) break;
      pending.delete(name);
    }
    return pending.size === 0;
  }, waiting);
  const ready = kustomizations.when(allReadyAt(waitFor, revision), waiting);
  const readyApart = kustomizations.when(allReadyAt(apart, revision), waiting);
  const startedAt = now();
  await requestReconcile(environment, SOURCE);
  const [appliedAt, readyAt, apartAt] = await Promise.all([applied, ready, readyApart]);
  return {
    appliedMs: appliedAt - startedAt,
    readyMs: readyAt - startedAt,
    apartMs: Math.max(0, apartAt - startedAt),
  };
}

async function changeInterval(
  { trial, names, kustomizations }: Around,
  interval: string,
): Promise<void> {
  await setIntervals(trial.environment, SOURCE, names, interval);
  const isSeen = (object: KubeObject | undefined) => {
    const spec = object?.spec as { interval?: string } | undefined;
    return object && spec?.interval === interval && readyOf(object)?.status === 'True';
  };
  const waited = new Set(names);
  await kustomizations.when(
    (objects) => {
      // All that are still waited for are checked after each change: with a short interval an object is Ready only at times.
      for (const name of waited) if (isSeen(objects.get(name))) waited.delete(name);
      return waited.size === 0;
    },
    { timeoutMs: TIMEOUT_MS, message: `the interval of ${interval} to be seen` },
  );
}

/** The app that a commit may break has a short timeout, so that its failing health check ends soon. */
function specOf(name: string): Record<string, unknown> {
  return name === FRAGILE ? { timeout: '30s' } : {};
}

function filesOf(
  namespace: string,
  names: readonly string[],
  version: string,
  broken: readonly string[] = [],
): Record<string, string> {
  const files = names.map((name) =>
    appFiles({ namespace, name, version, replicas: broken.includes(name) ? 1 : 0 }),
  );
  return Object.assign({}, ...files);
}
