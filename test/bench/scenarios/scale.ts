// N apps in one repository: what it takes to install them, to change one of them, and to change all.
import { Kustomization } from '@weir/api';
import type { GitServerRepository } from '@weir/cluster';
import { appFiles, gitRepository, kustomization } from '@weir/harness';
import { ConfigMap, type KubeObject } from '@weir/kube';
import { now } from '../measure/clock.ts';
import { type Following, follow } from '../measure/follow.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement, Scenario, Trial } from '../scenario.ts';
import { isReadyAt, requestReconcile } from '../workload.ts';

const TIMEOUT_MS = 10 * 60_000;
/** Objects that whoever installs the apps creates at the same time. */
const CREATES_AT_ONCE = 20;
const SOURCE = 'apps';

export const scale: Scenario = { name: 'scale', run };

interface Context extends Trial {
  names: string[];
  repository: GitServerRepository;
  configMaps: Following<KubeObject>;
  kustomizations: Following<KubeObject>;
}

async function run(trial: Trial): Promise<Measurement[]> {
  const { ground, apps } = trial;
  const { client, namespace } = ground;
  const names = Array.from({ length: apps }, (_, index) => `app-${index}`);
  const repository = await ground.git.createRepository(SOURCE);
  const configMaps = follow<KubeObject>(client, ConfigMap, namespace);
  const kustomizations = follow<KubeObject>(client, Kustomization, namespace);
  const context = { ...trial, names, repository, configMaps, kustomizations };
  try {
    const measurements = [await install(context)];
    // Twice: the first of its kind also pays for what is done once.
    for (const greeting of ['warm-up', 'second']) {
      const changed = [names[Math.floor(apps / 2)] ?? SOURCE];
      const measured = await change(context, changed, `one ${greeting}`);
      if (greeting !== 'warm-up') measurements.push({ name: 'a commit to one app', ...measured });
    }
    measurements.push({ name: 'a commit to all apps', ...(await change(context, names, 'all')) });
    return measurements;
  } finally {
    await Promise.all([configMaps.close(), kustomizations.close()]);
  }
}

async function install(context: Context): Promise<Measurement> {
  const { ground, names, apps, repository, kustomizations, progress } = context;
  const { namespace } = ground;
  const commit = await repository.commit(filesOf(namespace, names, 'first'));
  progress(`installing ${apps} apps`);
  const { result, spent } = await spentOn(context, async () => {
    const startedAt = now();
    await ground.apply(gitRepository(namespace, SOURCE, repository.url));
    for (let first = 0; first < names.length; first += CREATES_AT_ONCE) {
      const some = names.slice(first, first + CREATES_AT_ONCE);
      await Promise.all(some.map((name) => ground.apply(appOf(namespace, name))));
    }
    return (await allReady(kustomizations, names, commit)) - startedAt;
  });
  const times = { 'until all are Ready': [result] };
  return { name: 'installing all apps', count: apps, unit: 'app', times, spent };
}

/** Commits a change of some apps and waits until these are applied, and all are Ready at the commit. */
async function change(
  context: Context,
  changed: readonly string[],
  greeting: string,
): Promise<Omit<Measurement, 'name'>> {
  const { ground, names, apps, repository, configMaps, kustomizations, progress } = context;
  progress(`a commit to ${changed.length} of ${apps} apps`);
  const commit = await repository.commit(filesOf(ground.namespace, changed, greeting));
  const { result, spent } = await spentOn(context, async () => {
    const applied = configMaps.when(
      (objects) => changed.every((name) => greetingOf(objects.get(name)) === greeting),
      { timeoutMs: TIMEOUT_MS, message: `the changes of ${greeting}` },
    );
    const startedAt = now();
    await requestReconcile(ground, SOURCE);
    const [appliedAt, readyAt] = await Promise.all([
      applied,
      allReady(kustomizations, names, commit),
    ]);
    return { appliedMs: appliedAt - startedAt, readyMs: readyAt - startedAt };
  });
  const times = {
    'until all changes are applied': [result.appliedMs],
    'until all are Ready at the revision': [result.readyMs],
  };
  return { count: apps, unit: 'app', times, spent };
}

/**
 * Each Kustomization is looked at until it is Ready, and then no more: a look at all of them after each of
 * their changes would take longer than what is measured.
 */
function allReady(
  kustomizations: Following<KubeObject>,
  names: readonly string[],
  commit: string,
): Promise<number> {
  const waited = new Set(names);
  return kustomizations.when(
    (objects) => {
      for (const name of waited) {
        if (!isReadyAt(objects, name, commit)) break;
        waited.delete(name);
      }
      return waited.size === 0;
    },
    { timeoutMs: TIMEOUT_MS, message: `${names.length} apps to be Ready at ${commit}` },
  );
}

function filesOf(
  namespace: string,
  names: readonly string[],
  greeting: string,
): Record<string, string> {
  const files = names.map((name) => appFiles(name, { namespace, name, replicas: 0, greeting }));
  return Object.assign({}, ...files);
}

function appOf(namespace: string, name: string): KubeObject {
  return kustomization(namespace, name, SOURCE, { path: `./${name}`, wait: true });
}

function greetingOf(object: KubeObject | undefined): string | undefined {
  return (object?.data as Record<string, string> | undefined)?.greeting;
}
