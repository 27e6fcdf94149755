// N apps in one repository, a folder and a Kustomization each.
import { Kustomization } from '@weir/api';
import type { GitServerRepository } from '@weir/cluster';
import { readyOf } from '@weir/kit';
import { Deployment, type KubeObject } from '@weir/kube';
import { appFiles, imageOf } from './app.ts';
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
/** The app that `failing` breaks. */
export const FRAGILE = 'app-0';

/** Times of a commit, in ms from the request of a reconcile. */
export interface Arrival {
  /** The changed objects are in the cluster as committed. */
  appliedMs: number;
  /** All Kustomizations that are waited for are Ready at the commit. */
  readyMs: number;
  /** Those that are waited for apart are too; 0 when there are none. */
  apartMs: number;
}

export interface CommitOptions {
  /** Kustomizations to wait for; all unless given. */
  waitFor?: readonly string[];
  /** Kustomizations whose time is taken apart; none unless given. */
  apart?: readonly string[];
  /** Apps that can't become healthy with this commit. */
  broken?: readonly string[];
}

export interface Fleet {
  names: readonly string[];
  kustomizations: Following<KubeObject>;
  /** What the installation took. */
  installed: Measurement;
  /** Commits a new version of some apps, asks for a reconcile, waits until it has arrived. */
  commit(changed: readonly string[], options?: CommitOptions): Promise<Arrival>;
  /** Changes the interval of all; resolves when that has been seen by the system. */
  setInterval(interval: string): Promise<void>;
  close(): Promise<void>;
}

/** Installs the apps, and measures that. */
export async function installFleet(trial: Trial): Promise<Fleet> {
  const { ground, apps } = trial;
  const { client, namespace, git } = ground;
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
  const { ground, apps, progress } = trial;
  const { namespace } = ground;
  const first = await repository.commit(filesOf(namespace, names, 'v1'));
  progress(`installing ${apps} apps`);
  const installing = async () => {
    const startedAt = now();
    const ready = kustomizations.when(allReadyAt(names, first), {
      timeoutMs: TIMEOUT_MS,
      message: `${apps} apps to be installed`,
    });
    const objects = names.map((name) => appKustomization(namespace, name, SOURCE, specOf(name)));
    const created = createAll(ground, { name: SOURCE, url: repository.url }, objects);
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
  const { ground } = trial;
  const files = filesOf(ground.namespace, changed, version, broken);
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
  await requestReconcile(ground, SOURCE);
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
  await setIntervals(trial.ground, SOURCE, names, interval);
  const isSeen = (object: KubeObject | undefined) => {
    const spec = object?.spec as { interval?: string } | undefined;
    return object && spec?.interval === interval && readyOf(object)?.status === 'True';
  };
  const waited = new Set(names);
  await kustomizations.when(
    (objects) => {
      // All of them each time: who reconciles at every interval is Ready only now and then.
      for (const name of waited) if (isSeen(objects.get(name))) waited.delete(name);
      return waited.size === 0;
    },
    { timeoutMs: TIMEOUT_MS, message: `the interval of ${interval} to be seen` },
  );
}

/** One app may be broken by a commit; its health is not waited for as long as that of the others may take. */
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

function imageIn(deployment: KubeObject | undefined): string | undefined {
  const spec = deployment?.spec as
    | { template?: { spec?: { containers?: { image?: string }[] } } }
    | undefined;
  return spec?.template?.spec?.containers?.[0]?.image;
}
